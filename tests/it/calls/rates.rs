//! Rates: steady work is never refused for them, whatever the service's window looks like, and
//! servers that share an account without knowing of each other get along. In simulated time: our
//! rates against the emulator's limiter, so that a busy machine changes nothing.

use crate::fake::{self, Endpoint, Limits, Shape};
use restic_123pan::cloud::pace::Rate;
use restic_123pan::pan123::Tier;
use restic_123pan::pan123::api;
use std::time::Duration;

const SHAPES: [Shape; 3] = [Shape::Sliding, Shape::Fixed, Shape::Bucket];
/// Milliseconds that are simulated.
const TIME: u64 = 60_000;
/// A call's way to the service takes so many milliseconds, and at most so many more: 0.95 of a rate
/// of 5 leaves 52 to its window, of 20 it leaves 52 as well.
const WAY: (u64, u64) = (15, 25);

/// A server that makes one call after the other.
struct Server {
    rate: Rate,
    /// When it may do something next.
    at: u64,
    /// What it waits for.
    doing: Doing,
    calls: u64,
}

enum Doing {
    /// Its turn.
    Waits,
    /// A call that went then is on its way.
    Sent(u64),
    /// It was refused.
    Refused(u64),
}

/// The calls of so many servers, each with this share of a rate, and how many were refused. The
/// later ones begin so many milliseconds after each other.
fn run(theirs: fake::Tier, shape: Shape, ours: Tier, shares: &[f64], apart: u64) -> (u64, u64) {
    let limit = fake::rate(Endpoint::List, theirs).unwrap();
    let mut servers: Vec<Server> = Vec::new();
    for (number, share) in (0..).zip(shares) {
        let rate = api::rates(ours, *share)[api::Endpoint::List as usize];
        servers.push(Server {
            rate: Rate::new(rate),
            at: number * apart,
            doing: Doing::Waits,
            calls: 0,
        });
    }
    let (mut limits, mut refused) = (Limits::default(), 0);
    // Some time of the day, since fixed windows are the clock's.
    let begin = 1_800_000_000_123;
    while let Some(server) = servers.iter_mut().min_by_key(|server| server.at) {
        let now = server.at;
        if now >= TIME {
            break;
        }
        let moment = Duration::from_millis;
        match server.doing {
            Doing::Waits => {
                let wait = server.rate.take(moment(now));
                server.at += u64::try_from(wait.as_micros().div_ceil(1000)).unwrap();
                if wait.is_zero() {
                    server.calls += 1;
                    // Ways differ, without any order.
                    server.at += WAY.0 + server.calls * 7919 % (WAY.1 + 1);
                    server.doing = Doing::Sent(now);
                }
            }
            Doing::Sent(sent) => {
                let passes = limits.take(Endpoint::List, limit, shape, begin + now);
                refused += u64::from(!passes);
                server.at += WAY.0;
                server.doing = match passes {
                    true => Doing::Waits,
                    false => Doing::Refused(sent),
                };
            }
            Doing::Refused(sent) => {
                server.rate.refused(moment(sent), moment(now));
                server.doing = Doing::Waits;
            }
        }
    }
    (servers.iter().map(|server| server.calls).sum(), refused)
}

#[test]
fn steady_work_is_never_refused() {
    use fake::Tier::{B, Free, Oauth, Vip};
    for (theirs, ours) in [
        (Free, Tier::Free),
        (Vip, Tier::Vip),
        (B, Tier::Vip),
        (Oauth, Tier::Oauth),
    ] {
        for shape in SHAPES {
            for shares in [&[0.95][..], &[0.45, 0.45]] {
                for apart in (0..1000).step_by(37) {
                    let (calls, refused) = run(theirs, shape, ours, shares, apart);
                    let case = format!("{theirs:?}, {shape:?}, {shares:?}, {apart} ms apart");
                    assert_eq!(refused, 0, "{case}: of {calls}");
                    // And the rate is made use of, as far as one call after the other can.
                    let rate = |share: &f64| api::rates(ours, *share)[api::Endpoint::List as usize];
                    let way = (2 * WAY.0 + WAY.1) as f64 / 1000.0;
                    let each = |share| (1.0 / rate(share)).max(way) + 0.002;
                    let expected: f64 = shares.iter().map(|share| 59.0 / each(share)).sum();
                    assert!(calls as f64 >= expected, "{case}: {calls} calls");
                }
            }
        }
    }
}

/// Two servers that both take the whole rate are refused, and then share: nothing fails, and few
/// calls are in vain.
#[test]
fn two_greedy_servers_get_along() {
    for shape in SHAPES {
        for apart in (0..1000).step_by(37) {
            let (calls, refused) = run(fake::Tier::Vip, shape, Tier::Vip, &[1.0, 1.0], apart);
            let case = format!("{shape:?}, {apart} ms apart");
            assert!(refused > 0, "{case}: the servers didn't meet");
            assert!(refused * 4 <= calls, "{case}: {refused} of {calls} refused");
            // Ten a second are allowed.
            assert!(calls - refused >= 300, "{case}: {calls} calls");
        }
    }
}
