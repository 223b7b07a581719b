//! tiny_http's accept loop, out of the network's reach: it listens on a socket that nobody but the
//! front can connect to, and what comes there are tickets of ours. tiny_http bounds neither heads nor
//! bodies nor connections, so no byte of a client's gets there.

use crate::disk;
use crate::front::{Client, Front};
use std::fs;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::time::Duration;
use tiny_http::Server;

/// Longest wait for a request, after which the caller looks whether it is to stop.
const WAIT: Duration = Duration::from_millis(250);

/// Starts tiny_http, and connects to it once and for all. Any of the folders will do.
pub(super) fn open(folders: &[PathBuf]) -> io::Result<(Server, UnixStream)> {
    let usual = [std::env::temp_dir(), "/dev/shm".into(), "/run".into()];
    let mut result = Err(io::Error::other("there is no folder"));
    for folder in usual.iter().chain(folders) {
        result = open_in(folder);
        if result.is_ok() {
            break;
        }
    }
    result
}

fn open_in(folder: &Path) -> io::Result<(Server, UnixStream)> {
    let folder = folder.join(format!("restic-123pan-{}", disk::random()));
    fs::DirBuilder::new().mode(0o700).create(&folder)?;
    let opened = listen(&folder.join("tickets"));
    // Whoever has connected needs no name.
    let _ = fs::remove_dir_all(&folder);
    opened
}

fn listen(path: &Path) -> io::Result<(Server, UnixStream)> {
    let listener = UnixListener::bind(path)?;
    let own = listener.try_clone()?;
    let tickets = UnixStream::connect(path)?;
    let server = Server::from_listener(listener, None).map_err(io::Error::other)?;
    // Nobody else gets in: its accept loop takes our connection, and then ends with an error.
    rustix::net::shutdown(&own, rustix::net::Shutdown::Both)?;
    Ok((server, tickets))
}

/// The next client with a request; None if none came for a moment.
pub(super) fn next(server: &Server, front: &Front) -> Option<Client> {
    // The one error is that of the accept loop's end.
    let request = server.recv_timeout(WAIT).ok()??;
    let ticket = request.url().trim_start_matches('/').parse();
    // Nothing is answered there; dropped so, it makes room for the next one.
    drop(request.into_writer());
    front.redeem(ticket.ok()?)
}
