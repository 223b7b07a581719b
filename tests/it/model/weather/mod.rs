//! What may go wrong at a cloud, as tables to draw from: habits, which hold for a whole history and
//! stand for what the cloud leaves open; moods, which hold for a while; faults of single calls; and
//! gloom, which a server can't mend, but must notice. The tables are each cloud's own.

pub(super) mod pan123;
pub(super) mod smh;

use super::chance::Chance;
use super::stage::{Machine, Sky};
use crate::fake::smh::{Call, Switches as SmhSwitches};
use crate::fake::{Fails, Fake, Fault, How, Switches, When};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// Longest that any list lags behind.
pub(super) const LAG: Duration = Duration::from_millis(1200);

/// What a cloud's histories are made from.
pub(super) struct Climate {
    /// The folder in which servers keep repositories.
    pub(super) base: &'static str,
    pub(super) habits: &'static [Habit],
    /// The habits by which the cloud stores what it should refuse.
    pub(super) copies: &'static [&'static str],
    pub(super) moods: &'static [Habit],
    pub(super) gloom: &'static [Gloom],
    /// A fault of some calls.
    pub(super) stroke: fn(&mut Chance) -> Stroke,
    /// A cloud, and a server over it with these options.
    pub(super) start: fn(&[&str]) -> Place,
}

/// A cloud, and the first server over it.
pub(super) type Place = (Arc<dyn Sky>, Box<dyn Machine>);

/// What every emulator does by its own methods of these names (its [`Sky`]).
macro_rules! as_all_emulators {
    () => {
        fn hang_up(&self) {
            Self::hang_up(self);
        }

        fn advance(&self, by: std::time::Duration) {
            Self::advance(self, by);
        }

        fn fired(&self) -> u64 {
            self.faults_fired()
        }

        fn complaints(&self) -> Vec<String> {
            Self::complaints(self)
        }

        fn names(&self, folder: &str) -> Vec<String> {
            self.living(folder)
        }
    };
}
use as_all_emulators;

/// A way to behave, and what it is called.
pub(super) struct Habit(pub(super) &'static str, pub(super) Change);

/// What is set at an emulator.
pub(super) enum Change {
    Pan123(fn(&mut Switches)),
    Smh(fn(&mut SmhSwitches)),
}

/// The same for what is no habit, but trouble; only 123pan's emulator knows any.
pub(super) struct Gloom(pub(super) &'static str, pub(super) fn(&Fake));

/// A fault of some calls.
#[derive(Clone, Debug)]
pub(super) enum Stroke {
    Pan123(Fault),
    Smh(Fault<Call>),
}

/// A fault of one of these calls, each as likely as often as it stands there.
fn fault<C: Copy + Fails>(chance: &mut Chance, calls: &[C]) -> Fault<C> {
    let endpoint = *chance.pick(calls);
    let how = chance.pick(&endpoint.hows()).clone();
    let when = match how {
        How::ResetInBody(_) => When::Before,
        _ => *chance.pick(&[When::Before, When::After]),
    };
    Fault {
        endpoint,
        skip: *chance.pick(&[0, 0, 1, 2, 3]),
        times: *chance.pick(&[1, 2, 3]),
        when,
        how,
    }
}

impl fmt::Debug for Habit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl fmt::Debug for Gloom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}
