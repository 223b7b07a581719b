//! Keeping some of the account's space free, by purging the oldest of what lies in the bin before its
//! time. What else the background does is its own business.

use super::Work;
use crate::pan123::api::User;
use log::{info, warn};
use std::time::Instant;

/// Early purges without any gain in space until it is believed that the bin takes up none.
const VAIN: u32 = 3;

impl Work {
    /// Purges the oldest of what lies in the bin before its time, while less than the reserve is
    /// free.
    pub(super) fn keep_reserve(&mut self) {
        if self.parts.trash.pending.oldest().is_empty() {
            return;
        }
        let timing = self.parts.api.timing().clone();
        self.space_at = Some(Instant::now() + timing.tier);
        let Ok(user) = self.account() else {
            return;
        };
        self.space_at = Some(Instant::now() + timing.space);
        let mut free = user.free();
        self.say_low(free);
        while free < self.reserve && !self.stopping() {
            let mut oldest = self.parts.trash.pending.oldest();
            oldest.truncate(self.most);
            if oldest.is_empty() {
                warn!(
                    "{} MiB are free in the account, less than the reserve, and nothing is left \
                     in the bin to be purged",
                    free >> 20
                );
                return;
            }
            let files = self.parts.trash.pending.len();
            let Some(freed) = self.purge_some(&oldest, self.reserve - free) else {
                return;
            };
            // What `infos` doesn't show in the bin yet is left for the next time.
            if self.parts.trash.pending.len() == files {
                return;
            }
            let Ok(user) = self.account() else {
                return;
            };
            if self.is_vain(&user, free, freed) {
                return;
            }
            free = user.free();
        }
    }

    fn say_low(&mut self, free: u64) {
        let is_low = free < self.reserve;
        if is_low && !self.said_low {
            warn!(
                "{} MiB are free in the account, less than the reserve of {} MiB: the oldest \
                 deleted files are purged from the bin before their time",
                free >> 20,
                self.reserve >> 20
            );
        } else if self.said_low && !is_low {
            info!("the account has its reserve again");
        }
        self.said_low = is_low;
    }

    /// Whether a purge of so many bytes has brought no space. Whether the bin takes up any isn't
    /// documented (API reference 6.7), so it must not be emptied for nothing.
    fn is_vain(&mut self, user: &User, before: u64, freed: u64) -> bool {
        if freed == 0 || user.free() > before {
            self.vain = 0;
            return false;
        }
        self.vain += 1;
        if self.vain >= VAIN {
            warn!(
                "purging frees no space in this account: what is left in the bin stays until it is due"
            );
            self.space_at = None;
        }
        true
    }
}
