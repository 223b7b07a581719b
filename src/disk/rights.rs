//! Root's work in folders that belong to others is done with the rights of the folder's owner, so
//! that whatever the owner has put there, links above all, leads nowhere that the owner couldn't
//! go alone; and what is made there belongs to the owner, as a server needs it that runs so.

use std::path::Path;

/// Does something in the folder that `path` is in, or will be in.
pub fn as_owner<T>(path: &Path, act: impl FnOnce() -> T) -> T {
    #[cfg(target_os = "linux")]
    let _lowered = linux::Lowered::to(path);
    let _ = path;
    act()
}

#[cfg(target_os = "linux")]
mod linux {
    use crate::warning::Kind;
    use log::error;
    use rustix::io::Errno;
    use rustix::process::{Gid, Uid, getegid, geteuid, getgroups};
    use rustix::thread::{set_thread_groups, set_thread_res_gid, set_thread_res_uid};
    use std::fs::{self, Metadata};
    use std::os::unix::fs::MetadataExt;
    use std::path::Path;

    /// Rights that this thread has put aside; it takes them back when this is dropped. They are
    /// the kernel's for each thread, and the other threads keep theirs.
    pub(super) struct Lowered {
        group: Gid,
        groups: Vec<Gid>,
    }

    impl Lowered {
        /// None if there is nothing to put aside, or it can't be, as in a container that has taken
        /// the capability away; nothing is opened through links then all the same.
        pub(super) fn to(path: &Path) -> Option<Self> {
            if !geteuid().is_root() {
                return None;
            }
            let owner = owner(path).filter(|owner| owner.uid() != 0)?;
            let (user, group) = (Uid::from_raw(owner.uid()), Gid::from_raw(owner.gid()));
            let groups = getgroups().ok()?;
            set_thread_groups(&[group]).ok()?;
            // From here on it is taken back, also if the rest fails.
            let lowered = Self {
                group: getegid(),
                groups,
            };
            lower(user, group).ok().map(|()| lowered)
        }
    }

    fn lower(user: Uid, group: Gid) -> Result<(), Errno> {
        set_thread_res_gid(None, group, None)?;
        // The saved one stays root's, for the way back.
        set_thread_res_uid(None, user, None)
    }

    impl Drop for Lowered {
        fn drop(&mut self) {
            let back = set_thread_res_uid(None, Uid::ROOT, None)
                .and_then(|()| set_thread_res_gid(None, self.group, None))
                .and_then(|()| set_thread_groups(&self.groups));
            if let Err(why) = back {
                error!(target: &Kind::Resources.about("setfsuid"), "a thread doesn't get its rights back: {why}");
            }
        }
    }

    /// The nearest folder above that is there. A link to it counts as its owner's, unless it is
    /// root's, as systemd makes them.
    fn owner(path: &Path) -> Option<Metadata> {
        let above = path.ancestors().skip(1).map(|folder| match folder {
            folder if folder.as_os_str().is_empty() => Path::new("."),
            folder => folder,
        });
        above.into_iter().find_map(|folder| {
            let itself = fs::symlink_metadata(folder).ok()?;
            match itself.uid() {
                0 => fs::metadata(folder).ok(),
                _ => Some(itself),
            }
        })
    }
}
