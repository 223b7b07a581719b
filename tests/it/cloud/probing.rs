//! The probe: its table is right whatever 123pan does, the server goes by it, and nothing that it
//! made stays.

use super::rig::{BASE, Cloud, Server, ms};
use crate::fake::{BadIds, Cursor, Endpoint, How, InfosKey, Parts, Single, Switches, Taken, When};
use crate::probing::{Case, OTHER, Probed, check, each_call_fails, run, try_table};
use restic_123pan::pan123::{Bin, Config, probe};
use restic_123pan::restic::Kind;
use restic_123pan::store::Cause;
use std::process::Command;

/// Calls of a probe where all is as documented, with the token.
const CALLS: u64 = 34;

#[rustfmt::skip]
const CASES: &[Case<Switches>] = &[
    (|s| s.lag_trash = ms(60), "purge of the bin", "the file is gone", true),
    (|_| {}, "late etag", "taken", true),
    (|s| s.ids_as_strings = true, "late etag", "taken", true),
    (|s| s.lag_mkdir = ms(60), "late etag", "taken", true),
    (|s| s.parts = Parts::EtagFirst, "late etag", "refused", true),
    (|_| {}, "lag of lists", "a file shows at once", true),
    (|s| s.lag_files = ms(60), "lag of lists", "a file shows after ", true),
    (|s| s.single = Single::Queued, "lag of lists", "a file shows ", true),
    (|_| {}, "ids of infos", "100 a call, less unknown ones; a file shows at once", true),
    (|s| s.infos_key = InfosKey::List, "ids of infos", "100 a call", true),
    (|s| s.infos_max = 50, "ids of infos", "50 a call", true),
    (|s| s.infos_max = 1, "ids of infos", "refused where some are unknown", false),
    (|s| s.lag_infos = ms(60), "ids of infos", "a file shows after ", true),
    (|_| {}, "life of addresses", " s ahead", true),
    (|s| s.url_t_is_end = false, "life of addresses", "isn't their end", true),
    (|_| {}, "ranges and redirects", "ranges are obeyed; there is no redirect", true),
    (|s| s.cdn_redirects = true, "ranges and redirects", "a redirect leads elsewhere", true),
    (|s| s.cdn_ignores_range = true, "ranges and redirects", "ranges are ignored", true),
    (|s| s.cdn_cuts_after = Some(9), "ranges and redirects", "broke off", false),
    (|_| {}, "purge of the bin", "there, and the file is gone", true),
    (|s| s.delete_missing = true, "purge of the bin", "missing", true),
    (|_| {}, "pages of lists", "complete, in order of ids", true),
    (|s| s.cursor = Cursor::Offset, "pages of lists", "rows are skipped", true),
    (|s| s.cursor = Cursor::Stuck, "pages of lists", "a cursor repeats", false),
    (|s| s.cursor = Cursor::Back, "pages of lists", "a cursor repeats", false),
    (|s| s.trash_bad = BadIds::Fail, "trash of unknown ids", "all is refused", true),
    (|s| s.trash_bad = BadIds::Partial, "trash of unknown ids", "though it fails", true),
    (|s| s.trash_bad = BadIds::Silent, "trash of unknown ids", "left out", true),
    (|s| s.delete_bad = BadIds::Fail, "purge of unknown ids", "all is refused", true),
    (|s| s.delete_bad = BadIds::Partial, "purge of unknown ids", "though it fails", true),
    (|s| s.delete_bad = BadIds::Silent, "purge of unknown ids", "left out", true),
    (|s| s.delete_missing = true, "purge of unknown ids", "not tried", true),
    (|s| s.taken = Taken::Repeat, "a name that is taken", "refused", true),
    (|s| s.taken = Taken::Code5060, "a name that is taken", "refused", true),
    (|s| s.taken = Taken::Suffix, "a name that is taken", "another name", true),
    (|s| s.taken = Taken::Twin, "a name that is taken", "two of the name", true),
    (|s| s.taken = Taken::Replace, "a name that is taken", "replaced", false),
    (|_| {}, "too many calls", "0 of 28 calls were refused", true),
];

fn probed(config: &Config) -> Probed {
    run(|tell| probe(config, tell))
}

/// An account in which somebody else's file lies beside the repositories.
fn account(change: impl FnOnce(&mut Switches)) -> Cloud {
    let cloud = Cloud::with(change);
    cloud.plant(&format!("{BASE}/{OTHER}"), b"not ours");
    cloud
}

/// A server that keeps what was found, on the account's own machine.
fn kept(cloud: &Cloud) -> Config {
    let mut config = cloud.config();
    config.shared.state_dir = Some(cloud.folder().to_owned());
    config
}

#[test]
fn the_table_is_right_and_nothing_is_left() {
    try_table(CASES, |n, case| {
        let cloud = account(case.0);
        check(n, case, &probed(&kept(&cloud)));
        assert_eq!(cloud.living(BASE), [OTHER], "{n}: left behind");
        let stays = cloud.switches().delete_missing;
        assert_eq!(cloud.bin().is_empty(), !stays, "{n}: {:?}", cloud.bin());
        if case.3 {
            kept_server(&cloud).save(Kind::Keys, b"a key").unwrap();
        }
    });
}

fn kept_server(cloud: &Cloud) -> Server {
    cloud.server_with(|config| *config = kept(cloud))
}

#[test]
fn its_calls_are_counted() {
    let cloud = account(|_| {});
    let (findings, end) = probed(&cloud.config());
    assert_eq!((findings.len(), end.is_ok()), (12, true));
    assert_eq!(cloud.calls().all(), CALLS, "{:?}", cloud.trail());
    assert!(end.unwrap().contains("nothing is kept"));
}

/// Whichever call fails, and however, nothing is left, and what is somebody else's is left alone.
#[test]
fn a_failing_call_leaves_nothing_behind() {
    let cloud = account(|_| {});
    probed(&cloud.config()).1.unwrap();
    let no = How::Code(1, "不行".to_owned());
    each_call_fails(&cloud.trail(), &no, |fault| {
        let cloud = account(|_| {});
        cloud.fail(fault.clone());
        let (_, end) = probed(&cloud.config());
        assert_eq!(cloud.faults_fired(), 1, "{fault:?}");
        assert_eq!(cloud.living(BASE), [OTHER], "{fault:?}: {end:?}");
    });
}

#[test]
fn what_can_not_be_removed_is_named() {
    let cloud = account(|_| {});
    let no = How::Code(1, "不行".to_owned());
    cloud.fail_next(Endpoint::Trash, 100, When::Before, no);
    let (findings, end) = probed(&cloud.config());
    let why = end.unwrap_err();
    assert!(why.contains("123pan can't be used: "), "{why}");
    let made = &findings["what the probe has made"];
    assert!(
        made.found.contains("/restic/restic-123pan-probe-"),
        "{made:?}"
    );
    assert!(made.found.contains("may be left behind"), "{made:?}");
}

#[test]
fn what_lists_do_not_show_in_time_ends_a_probe() {
    let cases: [fn(&mut Switches); 4] = [
        |s| s.lag_files = ms(2500),
        |s| s.single = Single::Lost,
        |s| s.single = Single::QueuedNever,
        |s| s.single = Single::WrongEtag,
    ];
    for change in cases {
        let cloud = account(change);
        let (_, end) = probed(&cloud.config());
        assert!(end.unwrap_err().contains("don't show in time"));
        assert_eq!(cloud.living(BASE), [OTHER]);
    }
}

#[test]
fn who_comes_too_often_is_told() {
    let cloud = account(|_| {});
    let no = How::Code(429, "请求太频繁".to_owned());
    cloud.fail_next(Endpoint::Infos, 1, When::Before, no);
    let (findings, end) = probed(&cloud.config());
    let found = &findings["too many calls"].found;
    assert!(found.contains("ban; 1 of 29 calls"), "{found}");
    end.unwrap();
}

/// Uploads whose bytes can't be sent twice, by a server that was told and by one that wasn't.
#[test]
fn a_server_knows_that_a_late_etag_is_refused() {
    for (told, calls) in [(false, 2), (true, 1)] {
        let cloud = account(|s| s.parts = Parts::EtagFirst);
        if told {
            probed(&kept(&cloud)).1.unwrap();
        }
        cloud.reset_counters();
        let bytes = vec![7; 2 << 20];
        kept_server(&cloud).save(Kind::Data, &bytes).unwrap();
        assert_eq!(cloud.count(Endpoint::Single).calls, calls, "told: {told}");
    }
}

#[test]
fn a_server_knows_how_many_ids_infos_takes() {
    for (told, stored) in [(false, Err(Cause::Cloud)), (true, Ok(()))] {
        let cloud = account(|s| s.infos_max = 50);
        if told {
            probed(&kept(&cloud)).1.unwrap();
        }
        let server = kept_server(&cloud);
        for n in 0..60 {
            server.save(Kind::Data, &[n; 40]).unwrap();
        }
        let index = server.save(Kind::Index, b"index").map(drop);
        assert_eq!(index, stored, "told: {told}");
    }
}

#[test]
fn a_server_knows_how_late_lists_are() {
    for (told, stored) in [(false, Err(Cause::Busy)), (true, Ok(()))] {
        let cloud = account(|_| {});
        cloud.server().create().unwrap();
        cloud.set(|s| s.lag_files = ms(700));
        if told {
            probed(&kept(&cloud)).1.unwrap();
        }
        let lock = kept_server(&cloud).save(Kind::Locks, b"lock").map(drop);
        assert_eq!(lock, stored, "told: {told}");
    }
}

#[test]
fn a_server_knows_that_nothing_can_be_purged() {
    for (told, purges) in [(false, 1), (true, 0)] {
        let cloud = account(|s| s.delete_missing = true);
        if told {
            probed(&kept(&cloud)).1.unwrap();
        }
        cloud.reset_counters();
        let server = cloud.server_with(|config| {
            *config = kept(&cloud);
            config.shared.bin = Bin::Purge;
        });
        let id = server.save(Kind::Keys, b"a key").unwrap();
        server.remove(Kind::Keys, id).unwrap();
        super::rig::eventually("it is tried", || {
            told || cloud.count(Endpoint::Delete).calls == purges
        });
        drop(server);
        assert_eq!(cloud.count(Endpoint::Delete).calls, purges, "told: {told}");
    }
}

/// What the command prints in a language, and its exit code.
fn command(cloud: &Cloud, words: &[&str], language: &str) -> (String, i32) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_restic-123pan"));
    command.env_clear().env("PAN123_API_URL", cloud.url());
    command.env("PAN123_STATE_DIR", cloud.folder());
    command.env("PAN123_CLIENT_ID", cloud.client_id());
    command.env("PAN123_CLIENT_SECRET", cloud.client_secret());
    command.env("PAN123_TIER", "vip").env("LC_ALL", language);
    let output = command.args(["doctor", "--probe"]).args(words);
    let output = output.output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    (
        String::from_utf8(text).unwrap(),
        output.status.code().unwrap(),
    )
}

#[test]
fn the_command_prints_a_table_or_json() {
    let cloud = account(|_| {});
    let (text, code) = command(&cloud, &[], "C");
    assert_eq!((code, text.matches('✓').count()), (0, 12), "{text}");
    let end = "\n\nrestic can use 123pan; servers go by what was found when they next start.\n";
    assert!(text.ends_with(end), "{text}");
    let (text, code) = command(&cloud, &["--json"], "zh_CN.UTF-8");
    let json: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!((code, &json["usable"]), (0, &true.into()), "{text}");
    assert_eq!(json["findings"].as_array().map(Vec::len), Some(12));
    for secret in [cloud.client_secret(), &cloud.cdn_url(), "Bearer", "s="] {
        assert!(!text.contains(secret), "{secret}: {text}");
    }
    cloud.set(|s| s.taken = Taken::Replace);
    let (text, code) = command(&cloud, &[], "C");
    let why = "\n123pan can't be used: a name that is taken: the old file is replaced.\n";
    assert!(code == 1 && text.ends_with(why), "{text}");
    assert_eq!(cloud.living(BASE), [OTHER]);
}

#[test]
fn the_command_speaks_chinese() {
    let cloud = account(|_| {});
    let (text, _) = command(&cloud, &[], "zh_CN.UTF-8");
    for part in [
        "✓ etag 后置",
        "新文件立即可见",
        "每次 100 个，不含未知的 ID；新文件立即可见",
        "支持分段；没有重定向",
        "文档：代码 429；预设：稍后重试",
        "\n\nrestic 可以使用 123pan；服务器下次启动后按试验结果工作。\n",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
}
