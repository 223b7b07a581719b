//! Networks that answer in 123pan's place, as those do that want people to log in first: it is said
//! at once, with what to do, and nothing of it is taken for 123pan's word.

use super::rig::{Cloud, eventually, folder, log_of, ms};
use crate::fake::{Endpoint, How, When};
use restic_123pan::restic::Kind;
use restic_123pan::store::Cause;

/// What the log must say, at once.
const SAID: &str = "something else answers in 123pan's place";

/// Each call for itself: the first of all, for a token, and later ones.
#[test]
fn a_page_instead_of_an_answer_is_said_at_once() {
    for how in [How::Html(200), How::Html(302), How::Html(511)] {
        for endpoint in [Endpoint::Token, Endpoint::List, Endpoint::Single] {
            println!("{how:?} {endpoint:?}");
            let cloud = Cloud::start();
            let server = cloud.server_with(|c| {
                (c.shared.timing.token_again, c.shared.timing.retry) = (ms(5), ms(20))
            });
            if endpoint != Endpoint::Token {
                server.save(Kind::Keys, b"a key").unwrap();
            }
            for endpoint in [
                endpoint,
                Endpoint::List,
                Endpoint::Infos,
                Endpoint::UserInfo,
            ] {
                cloud.fail_next(endpoint, 1000, When::Before, how.clone());
            }
            let log = log_of(|| {
                let refused = match endpoint {
                    Endpoint::Single => server.save(Kind::Keys, b"another").map(drop),
                    _ => server.list(Kind::Keys).map(drop),
                };
                assert!(
                    matches!(refused, Err(Cause::Busy | Cause::Cloud)),
                    "{refused:?}"
                );
            });
            let is_said = |line: &&String| line.starts_with("WARN") && line.contains(SAID);
            assert_eq!(log.iter().filter(is_said).count(), 1, "{log:#?}");
            let health = server.store.health();
            assert_eq!(health.reachable, Some(false));
            assert!(
                health.troubles[0]
                    .advice
                    .en
                    .contains("log in to this network")
            );
            // Somebody logs in, and all goes on at once.
            cloud.clear_faults();
            eventually("it works", || server.save(Kind::Keys, b"a key").is_ok());
            assert_eq!(server.store.health().reachable, Some(true));
            assert_eq!(cloud.living(&folder(Kind::Keys)).len(), 1);
        }
    }
}

/// 123pan's own pages of errors are its own.
#[test]
fn other_pages_are_no_network_of_somebodys() {
    for status in [404, 500, 502, 503] {
        let cloud = Cloud::start();
        let server = cloud.hasty_server();
        server.create().unwrap();
        cloud.fail_next(Endpoint::List, 1000, When::Before, How::Html(status));
        let log = log_of(|| assert!(server.list(Kind::Keys).is_err()));
        assert!(!log.iter().any(|line| line.contains(SAID)), "{log:#?}");
    }
}

/// A page instead of a pack is no damage of the pack.
#[test]
fn a_page_instead_of_a_file_is_no_damage() {
    let cloud = Cloud::start();
    let server = cloud.server();
    let pack = server.save(Kind::Data, b"a pack").unwrap();
    cloud.fail_next(Endpoint::Cdn, 1000, When::Before, How::Html(200));
    assert!(server.load(Kind::Data, pack).is_err());
    assert_eq!(server.store.health().damaged, 0);
    cloud.clear_faults();
    assert_eq!(server.load(Kind::Data, pack).unwrap(), b"a pack");
}
