//! What every store must do, on Tencent SMH however that behaves where nobody says how.

use super::rig::Library;
use crate::cloud::contract::keep_contract;
use crate::cloud::rig::ms;
use crate::fake::smh::{End, Marker, NoTask, OverLimit, Switches, Unsaid};
use crate::tree::TempDir;

/// What makes a library behave otherwise.
type Change = fn(&mut Switches);

/// Ways in which Tencent SMH may behave, under all of which the contract holds.
const LIBRARIES: &[(&str, Change)] = &[
    ("as documented", |_| {}),
    ("errors as successes", |s| s.errors_as_200 = true),
    ("refused limits", |s| s.over_limit = OverLimit::Clamp),
    ("small pages", |s| s.page_max = 2),
    ("markers as numbers", |s| {
        (s.marker_as_number, s.page_max) = (true, 2);
    }),
    ("markers of offsets", |s| {
        (s.marker, s.page_max) = (Marker::Offset, 2);
    }),
    ("null at the end", |s| s.end = End::Null),
    ("nothing at the end", |s| s.end = End::Empty),
    ("sizes as numbers", |s| s.size_as_number = true),
    ("other statuses of HEAD", |s| {
        (s.head_file, s.head_folder) = (204, 204);
    }),
    ("confirm renames unless told", |s| s.unsaid = Unsaid::Rename),
    ("404 for incomplete", |s| {
        (s.incomplete_status, s.incomplete_times) = (404, 2);
    }),
    ("another spelling", |s| s.overwritten_spelt_oddly = true),
    ("early refusals", |s| s.early_errors = true),
    ("addresses that tell", |s| s.redirect_tells = true),
    ("downloads elsewhere", |s| s.storage_redirects = true),
    ("deletions in the background", |s| {
        s.batch_task_from = Some(1);
    }),
    ("tasks that nobody knows", |s| {
        (s.batch_task_from, s.no_task) = (Some(2), NoTask::Empty);
    }),
    ("texts as statuses", |s| s.status_as_text = true),
    ("a bin", |s| s.bin = true),
    ("a bin that is always used", |s| {
        (s.bin, s.permanent_ignored) = (true, true);
    }),
    ("late lists", |s| {
        (s.lag_new, s.lag_deleted) = (ms(60), ms(60));
    }),
];

#[test]
fn smh_keeps_the_contract_however_it_behaves() {
    keep_contract(LIBRARIES, |change, case| {
        let library = Library::with(change);
        case(&mut library.server());
        assert_eq!(library.open_uploads(), 0, "uploads that nobody ends");
    });
}

/// The same with no memory for bodies, so that those over 1 MiB are streamed or spooled.
#[test]
fn smh_keeps_the_contract_without_memory() {
    let early: Change = |s| s.early_errors = true;
    keep_contract(
        &[LIBRARIES[0], ("early refusals", early)],
        |change, case| {
            let (library, folder) = (Library::with(change), TempDir::new());
            case(&mut library.server().memory(0, Some(folder.path())));
        },
    );
}
