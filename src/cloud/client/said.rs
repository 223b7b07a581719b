//! What an answer says besides its data: why a call failed, what of that its owner is told, what time
//! it is at the cloud.

use super::Client;
use crate::civil;
use crate::cloud::call::{Spec, Way};
use crate::cloud::outcome::{Fault, Outcome, Reason};

impl Client {
    /// Why a call failed; None if it didn't. A page or a redirect isn't the cloud's, but what was
    /// written before it may be there.
    pub(super) fn reason(&self, spec: &'static Spec, outcome: &Outcome) -> Option<Reason> {
        let reason = (self.dialect.reason)(spec, outcome)?;
        match outcome.is_foreign() && !spec.is(Way::Writes) {
            true => Some(Reason::Intercepted),
            false => Some(reason),
        }
    }

    /// Says why a call failed, if that is a trouble.
    pub(super) fn tell(&self, reason: Reason, outcome: &Outcome, text: &str) {
        let trouble = match outcome.is_foreign() {
            true => Reason::Intercepted,
            false => reason,
        };
        self.troubles.tell(self.dialect, trouble, text);
    }

    /// Notes the time that an answer of the cloud's tells.
    pub(super) fn note_date(&self, date: Option<&str>) {
        let told = date.and_then(civil::from_http);
        if let Some(text) = told.and_then(|time| self.time.tell(time)) {
            self.trouble(&Fault::new(Reason::Clock, text));
        }
    }

    /// Says a fault in the log if it is a trouble, unless that was just said.
    pub fn trouble(&self, fault: &Fault) {
        self.troubles
            .tell(self.dialect, fault.reason, &fault.to_string());
    }
}
