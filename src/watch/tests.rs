//! What is counted, and what is told about it.

use super::*;
use crate::restic::{Id, Repo};
use crate::store::{Account, Advice, Calls, Trouble};

/// The moment of the fixed snapshot: 2026-11-22 06:00:00 UTC.
const NOW: u64 = 1_795_327_200;

/// A snapshot in which everything shows, with values that must be escaped.
pub(super) fn full() -> Snapshot {
    let mut hours = [0; HOURS];
    (hours[3], hours[20], hours[23]) = (5 << 20, 300 << 20, 2 << 30);
    let mut times = Histogram::default();
    times.add(std::time::Duration::from_millis(40));
    Snapshot {
        version: "0.1.0",
        now: NOW,
        started: NOW - 200_000,
        memory: 5 << 20,
        memory_most: 32 << 20,
        limit_upload: Some(2 << 20),
        limit_download: None,
        requests: vec![Requests {
            kind: "data",
            status: 200,
            count: 7,
        }],
        latencies: vec![Latency {
            operation: "save",
            times,
        }],
        cut: 1,
        received: 1000,
        sent: 2000,
        lanes: vec![Lane {
            name: "large",
            waiting: 2,
            running: 8,
        }],
        repositories: vec![
            Repository {
                name: "/<b>\"x\"\\".to_owned(),
                last_snapshot: Some(NOW - 7200),
                snapshot_every: Some(3600),
                stale: true,
                last_used: NOW,
                received: 10,
                sent: 20,
                hours,
            },
            Repository {
                name: String::new(),
                received: 3,
                ..Repository::default()
            },
        ],
        transfers: vec![Transfer {
            repository: "/laptop".to_owned(),
            kind: "data",
            file: "0123abcd".to_owned(),
            upload: true,
            done: 4 << 20,
            total: Some(16 << 20),
            seconds: 3,
        }],
        warnings: vec![Warning {
            last: NOW - 60,
            times: 2,
            text: "<script>".to_owned(),
            kind: Some(Kind::Busy),
            subject: "/<i>".to_owned(),
        }],
        cloud: cloud(),
    }
}

fn cloud() -> Health {
    Health {
        cloud: "123pan",
        reachable: Some(true),
        answered: Some(NOW - 3),
        account: Some(Account {
            tier: "VIP",
            used: 500 << 30,
            total: 2 << 40,
            paid_until: Some(NOW + 86_400),
            as_of: NOW,
        }),
        token_expires: Some(NOW + 80 * 86_400),
        calls: vec![Calls {
            name: "/api/v2/file/list",
            made: 12,
            throttled: 1,
            failed: 2,
            waited_ms: 1500,
            waiting: 3,
            per_second: 8.0,
        }],
        uploads: 4,
        uploads_most: 8,
        removing: 17,
        unremoved: 5,
        bin: 42,
        damaged: 3,
        troubles: vec![Trouble {
            since: NOW - 100,
            last: NOW - 50,
            times: 2,
            refused: false,
            over: false,
            text: "it <broke>".to_owned(),
            advice: Advice {
                en: "wait & see",
                zh: "请等待",
            },
        }],
    }
}

#[test]
fn requests_are_counted_by_what_they_were_about() {
    let watch = Arc::new(Watch::default());
    let repo = Repo::new("a").unwrap_or_else(|| unreachable!());
    let file = File::Hashed(restic::Kind::Snapshots, Id([7; 32]));
    let track = watch.arrive();
    track.about(Subject::operation(&Operation::Save(repo.clone(), file), 0));
    let seen = || watch.snapshot(Health::default(), (0, 0));
    assert_eq!((seen().lanes[0].waiting, seen().transfers.len()), (1, 0));
    track.begin(Some(100));
    track.received(60);
    let during = seen();
    assert_eq!((during.lanes[0].waiting, during.lanes[0].running), (0, 1));
    let transfer = &during.transfers[0];
    assert_eq!(
        (transfer.done, transfer.total, transfer.upload),
        (60, Some(100), true)
    );
    assert_eq!(
        (transfer.file.as_str(), transfer.kind),
        ("07070707", "snapshots")
    );
    track.end(200, false);
    drop(track);
    // Nobody ends this one, and nobody knows what it was about.
    drop(watch.arrive());
    let after = seen();
    assert_eq!(after.transfers, []);
    let row = |kind, status, count| Requests {
        kind,
        status,
        count,
    };
    assert_eq!(
        after.requests,
        [row("other", 0, 1), row("snapshots", 200, 1)]
    );
    assert_eq!((after.received, after.cut), (60, 1));
    let repo = &after.repositories[0];
    assert_eq!((repo.name.as_str(), repo.received), ("/a", 60));
    assert!(repo.last_snapshot.is_some());
}

#[test]
fn every_lane_has_its_queue() {
    use crate::service::Lane as Of;
    let watch = Arc::new(Watch::default());
    for (lane, name) in [
        (Of::Small, "small"),
        (Of::Large, "large"),
        (Of::RemoveLarge, "remove-large"),
        (Of::RemoveSmall, "remove-small"),
        (Of::Locks, "locks"),
        (Of::RemoveLocks, "remove-locks"),
    ] {
        let track = watch.arrive();
        track.about(Subject::page(lane as usize));
        let lanes = watch.snapshot(Health::default(), (0, 0)).lanes;
        let waiting: Vec<_> = lanes.iter().filter(|lane| lane.waiting > 0).collect();
        assert_eq!((waiting.len(), waiting[0].name), (1, name));
        track.end(200, false);
    }
}

#[test]
fn warnings_of_the_log_are_remembered_but_for_the_clouds_own() {
    let watch = Watch::default();
    for (level, target, text) in [
        (log::Level::Info, "x", "not this"),
        (log::Level::Warn, crate::warning::TROUBLE, "nor this"),
        (log::Level::Error, "x", "but this"),
        (log::Level::Warn, &Kind::Disk.about("/a"), "this"),
        (log::Level::Warn, &Kind::Disk.about("/b"), "and this"),
        (log::Level::Info, &Kind::Disk.over("/a"), "it is over"),
        (
            log::Level::Warn,
            &Kind::Stale.about("/a"),
            "it is shown elsewhere",
        ),
    ] {
        let args = format_args!("{text}");
        watch.log(
            &log::Record::builder()
                .level(level)
                .target(target)
                .args(args)
                .build(),
        );
    }
    let warnings = watch.snapshot(Health::default(), (0, 0)).warnings;
    let texts: Vec<&str> = warnings
        .iter()
        .map(|warning| warning.text.as_str())
        .collect();
    assert_eq!(texts, ["and this", "but this"]);
}

#[test]
fn metrics_have_every_name_once_and_escape_labels() {
    let text = metrics(&full());
    for line in [
        "restic_123pan_requests_total{kind=\"data\",status=\"200\"} 7",
        "restic_123pan_request_duration_seconds_bucket{operation=\"save\",le=\"0.01\"} 0",
        "restic_123pan_request_duration_seconds_bucket{operation=\"save\",le=\"0.05\"} 1",
        "restic_123pan_request_duration_seconds_bucket{operation=\"save\",le=\"+Inf\"} 1",
        "restic_123pan_request_duration_seconds_sum{operation=\"save\"} 0.04",
        "restic_123pan_cloud_rate_wait_seconds_total{endpoint=\"/api/v2/file/list\"} 1.5",
        "restic_123pan_space_used_bytes 536870912000",
        "restic_123pan_repository_received_bytes_total{repository=\"/<b>\\\"x\\\"\\\\\"} 10",
        "restic_123pan_repository_received_bytes_total{repository=\"other\"} 3",
        "restic_123pan_repository_stale{repository=\"/<b>\\\"x\\\"\\\\\"} 1",
        "restic_123pan_cloud_troubles 1",
        "restic_123pan_removing_packs 17",
        "restic_123pan_unremoved_packs_total 5",
        "restic_123pan_damaged_files_total 3",
    ] {
        assert!(text.lines().any(|l| l == line), "{line} is not in\n{text}");
    }
    let mut names: Vec<&str> = text.lines().filter(|l| l.starts_with("# TYPE")).collect();
    let all = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), all);
}

#[test]
fn the_terminal_shows_what_the_page_shows() {
    let status = serde_json::to_value(full()).unwrap_or_default();
    let shown = text(&status);
    for part in [
        "started 2 days ago",
        "123pan answers, last just now",
        "VIP: 500 GiB of 2.00 TiB used (24.4 %)",
        "last snapshot 2 hours ago, too old, 2.29 GiB in 24 h",
        "up        /laptop data/0123abcd: 4.00 MiB of 16.0 MiB",
        "4 of 8 uploads, 2 requests waiting, 3 calls waiting",
        "50 seconds ago: it <broke>; wait & see",
    ] {
        assert!(shown.contains(part), "{part:?} is not in\n{shown}");
    }
    assert!(!text(&serde_json::Value::Null).is_empty());
}
