//! What an app may do in a day: packs end in time, what makes them usable goes on, and so does the
//! next day.

use super::rig::Account;
use crate::cloud::rig::Server;
use crate::fake::kdocs::{Budget, Call};
use restic_123pan::cloud::{Clock, now};
use restic_123pan::kdocs::{App, Config};
use restic_123pan::restic::Kind;
use restic_123pan::store::Cause;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

/// Seconds of a day.
pub(super) const DAY: u64 = 24 * 3600;
/// What a test app may do in one.
const TEST: Budget = Budget {
    writes: 500,
    lists: 10_000,
    shared: false,
};

/// An account of a test app on a morning in China: no day ends in the middle of a test.
pub(super) fn in_the_morning() -> Account {
    let account = Account::untried(|s| s.budget = Some(TEST));
    account.advance(Duration::from_secs(to_morning()));
    let mut config = account.config();
    test_app(&mut config, &Arc::default());
    account.try_out(&config);
    account
}

/// Seconds until eight o'clock in China, where the day of an app turns: midnight by UTC.
fn to_morning() -> u64 {
    static SECONDS: LazyLock<u64> = LazyLock::new(|| DAY - now() % DAY);
    *SECONDS
}

/// Makes a server's app a test app, whose clock is so many days ahead of that morning.
pub(super) fn test_app(config: &mut Config, days: &Arc<AtomicU64>) {
    let days = Arc::clone(days);
    config.app = App::Test;
    config.shared.timing.clock =
        Clock::new(move || now() + to_morning() + DAY * days.load(Ordering::SeqCst));
}

/// Stores packs until one isn't taken; how many were, and why it ended.
fn fill(server: &Server, mark: u32) -> (u32, Cause) {
    for n in 0..1000_u32 {
        let bytes = [mark.to_le_bytes(), n.to_le_bytes()].concat();
        if let Err(cause) = server.save(Kind::Data, &bytes) {
            return (n, cause);
        }
    }
    panic!("it never ended");
}

#[test]
fn a_day_of_a_test_app_ends_before_a_pack_and_the_next_goes_on() {
    let account = in_the_morning();
    let days = Arc::default();
    let server = account.server_with(|config| test_app(config, &days));
    let (packs, cause) = fill(&server, 1);
    assert_eq!(cause, Cause::Busy);
    assert!((350..=400).contains(&packs), "{packs} packs");
    let uploads = account.made(Call::Upload);
    let troubles = server.store.health().troubles;
    let told = troubles.iter().any(|t| t.text.contains("kept for locks"));
    assert!(told, "{troubles:?}");
    // What was stored can be made use of, and unlocked.
    for (kind, bytes) in [(Kind::Index, b"index"), (Kind::Locks, b"lock1")] {
        server.save(kind, bytes).unwrap();
    }
    server.save(Kind::Snapshots, b"snapshot").unwrap();
    assert_eq!(
        account.made(Call::Upload),
        uploads + 3,
        "no call was made in vain"
    );
    drop(server);
    // A restart forgets nothing.
    let server = account.server_with(|config| test_app(config, &days));
    let refused = server.save(Kind::Data, b"one more");
    assert_eq!(refused, Err(Cause::Busy));
    assert_eq!(account.count(Call::Upload).limited, 0);
    days.fetch_add(1, Ordering::SeqCst);
    account.advance(Duration::from_secs(DAY));
    server.save(Kind::Data, b"one more").unwrap();
    assert_eq!(account.count(Call::Upload).limited, 0);
}

/// Other programs may use the same app: when Kdocs says that it is over, it is.
#[test]
fn what_others_have_used_is_known_by_its_refusal() {
    let account = Account::start();
    let server = account.server_with(|config| test_app(config, &Arc::default()));
    server.save(Kind::Data, b"a pack").unwrap();
    account.set(|s| {
        s.budget = Some(Budget {
            writes: 0,
            lists: 10_000,
            shared: true,
        });
    });
    for n in 0..3 {
        let refused = server.save(Kind::Data, &[n; 30]);
        assert_eq!(refused, Err(Cause::Busy));
    }
    assert_eq!(account.count(Call::Upload).limited, 1, "asked once");
}
