//! OAuth grants: codes, refresh tokens that are good for one use, and the one access token that
//! lives of each grant. Pure; time comes in as milliseconds. What the client is told is left to
//! `oauth`.

use std::collections::HashMap;

/// Why a code or a refresh token isn't good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bad {
    /// It was used before.
    Used,
    /// Its time is over, its grant was withdrawn, or nobody ever gave it.
    Over,
}

/// A refresh token or a code.
struct Ticket {
    grant: u64,
    end: u64,
    used: bool,
    redirect: Option<String>,
}

/// What a good ticket is exchanged for.
#[derive(Debug)]
pub struct Pair {
    pub access: String,
    pub refresh: String,
}

/// All grants.
#[derive(Default)]
pub struct Grants {
    next: u64,
    tickets: HashMap<String, Ticket>,
    /// Grant → its living access token and that one's end.
    living: HashMap<u64, (String, u64)>,
    /// Access tokens that were replaced but live on, where they do.
    replaced: Vec<(String, u64)>,
    /// How often a ticket came a second time.
    pub reuses: u64,
    /// How many refresh tokens were exchanged.
    pub renewals: u64,
}

impl Grants {
    /// A user agrees: a code for the app at this address.
    pub fn authorize(&mut self, redirect: &str, end: u64) -> String {
        self.next += 1;
        let grant = self.next;
        self.ticket("code", grant, end, Some(redirect.to_owned()))
    }

    /// The same, with the code exchanged already: a refresh token.
    pub fn grant(&mut self, end: u64) -> String {
        self.next += 1;
        let grant = self.next;
        self.ticket("refresh", grant, end, None)
    }

    /// Exchanges a ticket; `revokes` says that a second use ends the grant.
    pub fn exchange(
        &mut self,
        text: &str,
        redirect: Option<&str>,
        now: u64,
        ends: (u64, u64),
        revokes: bool,
        old_lives: bool,
    ) -> Result<Pair, Bad> {
        let ticket = self.tickets.get_mut(text).ok_or(Bad::Over)?;
        let grant = ticket.grant;
        if ticket.used {
            self.reuses += 1;
            if revokes {
                self.end(grant);
            }
            return Err(Bad::Used);
        }
        if ticket.end <= now || ticket.redirect.as_deref() != redirect {
            return Err(Bad::Over);
        }
        ticket.used = true;
        self.renewals += u64::from(redirect.is_none());
        self.next += 1;
        let access = long("access", self.next);
        let old = self.living.insert(grant, (access.clone(), ends.0));
        self.replaced.extend(old.filter(|_| old_lives));
        let refresh = self.ticket("refresh", grant, ends.1, None);
        Ok(Pair { access, refresh })
    }

    /// Whether an access token is good.
    pub fn is_good(&self, token: &str, now: u64) -> bool {
        let all = self.living.values().chain(&self.replaced);
        all.into_iter()
            .any(|(text, end)| text == token && now < *end)
    }

    /// Withdraws all grants.
    pub fn revoke_all(&mut self) {
        (1..=self.next).for_each(|grant| self.end(grant));
    }

    /// Ends the access tokens alone.
    pub fn end_access(&mut self) {
        self.living.clear();
        self.replaced.clear();
    }

    fn end(&mut self, grant: u64) {
        self.living.remove(&grant);
        self.tickets
            .retain(|_, ticket| ticket.grant != grant || ticket.used);
    }

    fn ticket(&mut self, kind: &str, grant: u64, end: u64, redirect: Option<String>) -> String {
        self.next += 1;
        let text = long(kind, self.next);
        let used = false;
        let ticket = Ticket {
            grant,
            end,
            used,
            redirect,
        };
        self.tickets.insert(text.clone(), ticket);
        text
    }
}

/// A token as long as real ones.
fn long(kind: &str, number: u64) -> String {
    let mark = super::content::md5_hex(format!("{kind} {number}").as_bytes());
    format!(
        "{}{number}{}",
        kind.to_uppercase(),
        mark.repeat(2).to_uppercase()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refresh_token_is_good_once() {
        let mut grants = Grants::default();
        let code = grants.authorize("app://back", 100);
        let mut exchange = |ticket: &str, redirect, revokes| {
            grants.exchange(ticket, redirect, 50, (60, 1000), revokes, false)
        };
        assert_eq!(
            exchange(&code, Some("app://other"), false).err(),
            Some(Bad::Over)
        );
        let first = exchange(&code, Some("app://back"), false).unwrap();
        let second = exchange(&first.refresh, None, false).unwrap();
        assert_eq!(exchange(&first.refresh, None, false).err(), Some(Bad::Used));
        let third = exchange(&second.refresh, None, false).unwrap();
        assert_eq!(exchange(&second.refresh, None, true).err(), Some(Bad::Used));
        assert_eq!(
            exchange(&third.refresh, None, false).err(),
            Some(Bad::Over),
            "revoked"
        );
        assert_eq!((grants.renewals, grants.reuses), (2, 2));
        assert!(!grants.is_good(&third.access, 50), "revoked too");
    }

    #[test]
    fn one_access_token_lives() {
        let mut grants = Grants::default();
        let refresh = grants.grant(100);
        let first = grants
            .exchange(&refresh, None, 50, (60, 100), false, false)
            .unwrap();
        assert!(grants.is_good(&first.access, 59) && !grants.is_good(&first.access, 60));
        let second = grants
            .exchange(&first.refresh, None, 50, (60, 100), false, false)
            .unwrap();
        assert!(!grants.is_good(&first.access, 55) && grants.is_good(&second.access, 55));
        let third = grants
            .exchange(&second.refresh, None, 50, (60, 100), false, true)
            .unwrap();
        assert!(grants.is_good(&second.access, 55) && grants.is_good(&third.access, 55));
        let late = grants.exchange(&third.refresh, None, 100, (160, 200), false, false);
        assert_eq!(late.err(), Some(Bad::Over));
    }
}
