//! The real clients over a disk: through the server, and on the same folder without it. A client
//! that isn't in the cache is skipped with a printed reason.

use crate::clients::{Session, cycle, together};
use crate::restic::{DEBIAN, RESTIC, RUSTIC, Restic, cases};
use crate::served::Served;
use crate::tree::{self, TempDir};
use restic_123pan::local::Local;

// One test a line: its name, the client, the repository, what is done.
cases! {
    try_client;
    debian_cycle: DEBIAN, "/", through;
    restic_cycle: RESTIC, "/a/b/", through;
    rustic_cycle: RUSTIC, "/a/b/", through;
    restic_together: RESTIC, "/", many;
    debian_directly: DEBIAN, "/a/b/", directly;
    restic_directly: RESTIC, "/", directly;
    rustic_directly: RUSTIC, "/", directly;
}

/// Something done with a client, through the server and on the folder itself.
type Scenario = fn(&Session<'_>, &Session<'_>);

fn try_client(client: &str, repo: &str, scenario: Scenario) {
    let (root, dir) = (TempDir::new(), TempDir::new());
    let server = Served::over(Local::open(root.path()).unwrap());
    let Some(restic) = Restic::find(client, server.url(repo), dir.path()) else {
        return;
    };
    let on = |restic: Restic| Session::new(client, restic, dir.path());
    let folder = root.path().join(repo.trim_matches('/'));
    let folder = restic.with(folder.to_str().unwrap());
    scenario(&on(restic), &on(folder));
}

fn through(server: &Session<'_>, _: &Session<'_>) {
    cycle(server);
}

fn many(server: &Session<'_>, _: &Session<'_>) {
    together(server);
}

/// A repository that was made by one of the two ways goes on by the other.
fn directly(server: &Session<'_>, folder: &Session<'_>) {
    let files = server.dir.join("files");
    tree::grow(&files, 1, 4 << 20);
    server.init();
    server.backup(&files);
    folder.check();
    folder.restore_and_compare(&files);
    tree::change(&files, 100);
    folder.backup(&files);
    server.check();
    server.restore_and_compare(&files);
    folder.forget();
    server.check();
    server.backup(&files);
    server.forget();
    folder.check();
    folder.restore_and_compare(&files);
}
