//! What every store must do, on Kdocs however that behaves where nobody says how.

use super::rig::{Account, LARGEST};
use crate::cases::try_all;
use crate::cloud::contract::{AT_ONCE, CASES};
use crate::cloud::rig::ms;
use crate::fake::kdocs::{Clash, Switches, Texts};
use crate::tree::TempDir;

/// What makes Kdocs behave otherwise.
type Change = fn(&mut Switches);

/// Ways in which Kdocs may behave, under all of which the contract holds.
const WAYS: &[(&str, Change)] = &[
    ("as others have seen", |_| {}),
    ("names want an extension", |s| s.bare_refused = true),
    ("a limit to sizes", |s| s.size_cap = Some(LARGEST)),
    ("doubled names", |s| s.clash = Clash::Duplicate),
    ("replaced files", |s| s.clash = Clash::Overwrite),
    ("refused names", |s| s.clash = Clash::Error),
    ("no ranges", |s| s.ranges = false),
    ("short links", |s| s.link_life = ms(200)),
    ("small pages", |s| s.page_max = 2),
    ("no filters", |s| (s.filters, s.page_max) = (false, 3)),
    ("late lists", |s| s.lag = ms(40)),
    ("tasks", |s| s.task_from = Some(1)),
    ("errors as successes", |s| {
        (s.errors_as_200, s.texts) = (true, Texts::Result);
    }),
    ("other texts", |s| s.texts = Texts::Message),
];

#[test]
fn kdocs_keeps_the_contract_however_it_behaves() {
    let name = |(way, _): &(&str, Change)| (*way).to_owned();
    try_all("CONTRACT", AT_ONCE, WAYS.to_vec(), name, |(way, change)| {
        let account = Account::with(change);
        for (name, case) in CASES {
            println!("--- {way}: {name}");
            let mut server = account.server();
            server.turn_to(&name.replace(' ', "-"));
            case(&mut server);
        }
        Ok(())
    });
}

/// The same with no memory for bodies, so that those over 1 MiB are streamed or spooled.
#[test]
fn kdocs_keeps_the_contract_without_memory() {
    let account = Account::start();
    for (name, case) in CASES {
        println!("--- {name}");
        let folder = TempDir::new();
        let spool = Some(folder.path());
        let mut server = account.server().memory(0, spool);
        server.turn_to(&name.replace(' ', "-"));
        case(&mut server);
    }
}
