//! How files come from the cloud: what is read is what was asked for, whole, or it fails.

use super::rig::{Cloud, Server, log_of, ms, path};
use crate::fake::{Endpoint, How, Switches, When};
use crate::tree::random;
use restic_123pan::restic::{File, Id, Kind, Range};
use restic_123pan::store::Cause;
use std::io::Read;
use std::time::Duration;

const SIZE: usize = 300_000;

/// A pack in the cloud, and a server that didn't write it.
fn pack(cloud: &Cloud) -> (Server, Id, Vec<u8>) {
    let bytes = random(5, SIZE);
    let name = cloud.server().save(Kind::Data, &bytes).unwrap();
    (cloud.server(), name, bytes)
}

/// What may happen on the way to the bytes, all of which is survived.
#[test]
fn downloads_get_through() {
    let cases: [(&str, fn(&mut Switches)); 14] = [
        ("as documented", |_| {}),
        ("redirected", |s| s.cdn_redirects = true),
        ("ranges ignored", |s| s.cdn_ignores_range = true),
        ("cut once", |s| {
            (s.cdn_cuts_after, s.cdn_cuts_times) = (Some(1000), 1)
        }),
        ("cut often", |s| {
            (s.cdn_cuts_after, s.cdn_cuts_times) = (Some(40_000), 0)
        }),
        ("cut and no ranges", |s| {
            (s.cdn_cuts_after, s.cdn_cuts_times) = (Some(1000), 2);
            s.cdn_ignores_range = true;
        }),
        ("cut at once", |s| {
            (s.cdn_cuts_after, s.cdn_cuts_times) = (Some(0), 2)
        }),
        ("elsewhere, 403", |s| s.cdn_elsewhere.0 = 2),
        ("elsewhere, 200", |s| s.cdn_elsewhere = (2, 200)),
        ("verifying", |s| s.download_verifying = 3),
        ("missing for a while", |s| s.download_missing = 2),
        ("both", |s| {
            (s.download_verifying, s.download_missing) = (1, 1)
        }),
        ("short-lived addresses", |s| {
            s.url_life = Duration::from_secs(1)
        }),
        ("the time is their beginning", |s| s.url_t_is_end = false),
    ];
    for (name, change) in cases {
        for range in [None, Some(Range::From(0)), Some(Range::Between(7, 250_000))] {
            println!("{name}, {range:?}");
            let cloud = Cloud::with(change);
            let (server, name, bytes) = pack(&cloud);
            let part = match range {
                Some(Range::Between(first, _)) => &bytes[usize::try_from(first).unwrap()..=250_000],
                _ => &bytes[..],
            };
            let read = server.load_part(&File::Hashed(Kind::Data, name), range);
            assert!(read.unwrap() == part, "other bytes");
        }
    }
}

/// Where the interface is spoken to by TLS everything is, whatever address the service names; and
/// no message shows that address.
#[test]
fn nothing_falls_back_from_tls() {
    for (tls, redirects, is_read) in [
        ((true, false), false, true),
        ((false, true), false, false),
        ((true, true), true, true),
        ((true, false), true, false),
    ] {
        let cloud = Cloud::with(|s| (s.front.cdn_tls, s.cdn_redirects) = (tls, redirects));
        let (_, name, bytes) = pack(&cloud);
        let server = cloud.server_with(|config| {
            config.api_url = config.api_url.replacen("http://", "https://", 1);
            config.shared.ca = Some(include_bytes!("../../fake/tls.pem").to_vec());
        });
        let before = cloud.count(Endpoint::Cdn).calls;
        let mut read = None;
        let log = log_of(|| {
            let loaded = server
                .store
                .load(&server.repo(), &File::Hashed(Kind::Data, name), None);
            read = Some(loaded.map(|mut loaded| {
                let mut all = Vec::new();
                loaded.reader.read_to_end(&mut all).map(|_| all).unwrap()
            }));
        });
        match read.unwrap() {
            Ok(all) => assert!(is_read && all == bytes, "{tls:?}"),
            Err(error) => {
                let said = format!("{error}\n{}", log.join("\n"));
                assert!(!is_read && said.contains("without TLS"), "{said}");
                assert!(!said.contains("123-61"), "an address is shown: {said}");
            }
        }
        let calls = cloud.count(Endpoint::Cdn).calls - before;
        assert!(is_read || redirects || calls == 0, "{tls:?}");
    }
}

/// Single faults of each call.
#[test]
fn faults_on_the_way_are_survived() {
    for endpoint in [Endpoint::DownloadInfo, Endpoint::Cdn] {
        for how in [
            How::Reset,
            How::Cut,
            How::Html(403),
            How::Html(404),
            How::Html(416),
            How::Html(500),
            How::Html(502),
            How::Empty,
            How::BadJson,
            How::Hang(ms(20)),
        ] {
            // A fault of the API that isn't the network's is answered at once.
            let final_for_info = matches!(how, How::Html(404));
            println!("{endpoint:?} {how:?}");
            let cloud = Cloud::start();
            let (server, name, bytes) = pack(&cloud);
            cloud.fail_next(endpoint, 1, When::Before, how);
            let read = server.load(Kind::Data, name);
            match endpoint == Endpoint::DownloadInfo && final_for_info {
                true => assert_eq!(read, Err(Cause::Cloud)),
                false => assert!(read.unwrap() == bytes, "other bytes"),
            }
        }
    }
}

/// An address is used again until it ends, and a new one is got when it has.
#[test]
fn addresses_are_kept_while_they_last() {
    let cloud = Cloud::start();
    let (server, name, bytes) = pack(&cloud);
    for _ in 0..5 {
        assert!(server.load(Kind::Data, name).unwrap() == bytes);
    }
    assert_eq!(cloud.count(Endpoint::DownloadInfo).calls, 1);
    cloud.advance(Duration::from_secs(3 * 3600));
    assert!(server.load(Kind::Data, name).unwrap() == bytes);
    assert_eq!(cloud.count(Endpoint::DownloadInfo).calls, 2);
}

/// A file whose download is cut goes on from the byte reached, it doesn't start again.
#[test]
fn a_cut_download_goes_on_where_it_was() {
    let cloud = Cloud::with(|s| (s.cdn_cuts_after, s.cdn_cuts_times) = (Some(100_000), 2));
    let (server, name, bytes) = pack(&cloud);
    assert!(server.load(Kind::Data, name).unwrap() == bytes);
    assert_eq!(cloud.calls().cdn_bytes, SIZE as u64);
    // Each time with a new address.
    assert_eq!(cloud.count(Endpoint::DownloadInfo).calls, 3);
}

/// What never comes whole is never told to be whole.
#[test]
fn a_short_download_is_no_file() {
    let cloud = Cloud::with(|s| s.cdn_cuts_after = Some(0));
    let (server, name, _) = pack(&cloud);
    assert_eq!(server.load(Kind::Data, name), Err(Cause::Client));
    for bytes in [&b"shorter"[..], &random(1, SIZE + 9)] {
        // The row that the server knows is older than the bytes.
        let cloud = Cloud::start();
        let (server, name, _) = pack(&cloud);
        server.size(Kind::Data, name).unwrap();
        cloud.damage(&path(Kind::Data, name), bytes);
        let read = server.load(Kind::Data, name);
        assert!(
            matches!(read, Err(Cause::Cloud | Cause::Busy | Cause::Client)),
            "{:?}",
            read.map(|b| b.len())
        );
    }
}

/// A file that is gone is absent; one that only seems to be isn't.
#[test]
fn what_is_gone_is_absent() {
    for destroyed in [false, true] {
        let cloud = Cloud::start();
        let (server, name, bytes) = pack(&cloud);
        assert!(server.load(Kind::Data, name).unwrap() == bytes);
        match destroyed {
            true => cloud.delete_by_hand(&path(Kind::Data, name)),
            false => cloud.trash_by_hand(&path(Kind::Data, name)),
        };
        // The address that is kept may still work for a while; another server has none.
        let other = cloud.server();
        assert_eq!(other.load(Kind::Data, name), Err(Cause::Absent));
    }
    let cloud = Cloud::with(|s| s.download_missing = 1000);
    let (server, name, _) = pack(&cloud);
    assert_eq!(
        server.load(Kind::Data, name),
        Err(Cause::Cloud),
        "it is in the list"
    );
}

/// Another server has replaced the file: its new number is found.
#[test]
fn a_replaced_file_is_found() {
    let cloud = Cloud::start();
    let (server, name, bytes) = pack(&cloud);
    server.size(Kind::Data, name).unwrap();
    let other = cloud.server();
    other.remove(Kind::Data, name).unwrap();
    other.save(Kind::Data, &bytes).unwrap();
    assert!(server.load(Kind::Data, name).unwrap() == bytes);
}
