//! What may come of an operation that a mishap befalls: the statuses that make restic do the right
//! thing, and what the cloud holds then.
//!
//! restic 0.19 takes 401, 403, 404, 416 and 507 as final, and reads 404 as "not there", for a list
//! as "nothing there"; restic 0.14 repeats after everything; rustic takes every 4xx as final. So
//! whatever passes is 502 or 503, which all of them repeat.

use super::mishap::{Leave, Mishap};
use super::operations::{Act, Operation};
use super::world::{self, Told, World};
use crate::fake::Endpoint;
use std::collections::{BTreeMap, BTreeSet};

/// What the cloud holds, by path.
pub(super) type Tree = BTreeMap<String, Vec<Vec<u8>>>;

/// Whether a client may get this status instead of a success.
fn may_refuse(status: u16, operation: &Operation, leave: Leave) -> bool {
    match (status, leave) {
        // A passing fault.
        (502 | 503, _) => true,
        // What can't be stored now can't be stored in 15 minutes either; a read is never full.
        (507, Leave::Full) => operation.stores(),
        // What can't be held, once the cloud has refused it as it came without a word that is
        // known: the order of its parts may be why. The next one is tried as it comes again.
        (413, _) => operation.streams(),
        // What was acknowledged isn't there: restic repeats, and then the backup fails as it must.
        (500, Leave::Lies) => operation.act == Act::Save,
        _ => false,
    }
}

/// What is wrong with an answer and with what the cloud holds after it, if anything is.
pub(super) fn judge(
    world: &World,
    operation: &Operation,
    mishap: &Mishap,
    told: &Told,
    before: &Tree,
) -> Result<(), String> {
    let Some(body) = &told.body else {
        // An answer that was cut off looks like none.
        return untouched(world, operation, before);
    };
    if told.status == operation.good() {
        granted(world, operation, mishap, body)?;
    } else if !may_refuse(told.status, operation, mishap.leave) {
        return Err(format!("got {}", told.status));
    }
    untouched(world, operation, before)
}

/// An acknowledged operation has happened, and an answer to be read is right.
fn granted(
    world: &World,
    operation: &Operation,
    mishap: &Mishap,
    body: &[u8],
) -> Result<(), String> {
    let item = (operation.file)();
    let file = world.cloud.file(&item.path());
    let lies = mishap.leave == Leave::Lies;
    let right = match operation.act {
        Act::Create | Act::Stat => true,
        Act::List => listed(body) == Some(living(world, &item.folder())),
        Act::Load(_) if mishap.leave == Leave::OtherBytes => true,
        Act::Load(Some("bytes=100-20099")) => *body == item.bytes[100..20_100],
        Act::Load(_) => *body == *item.bytes,
        // Found missing by what is stored next; `case` sees to that.
        Act::Save if lies && operation.is_promised() => true,
        Act::Save => file.is_some_and(|file| file.bytes() == item.bytes),
        // A pack may be there still, but not without a word.
        Act::Remove => file.is_none() || lies || world.tells_of_a_failed_removal(),
    };
    match right {
        true => Ok(()),
        false => Err(format!("told {}, which isn't so", operation.good())),
    }
}

/// Nothing is lost, doubled or half there.
fn untouched(world: &World, operation: &Operation, before: &Tree) -> Result<(), String> {
    let (own, now) = ((operation.file)(), world.tree());
    let own_path = own.path();
    for (path, held) in before {
        let mine = *path == own_path && operation.act == Act::Remove;
        if !mine && now.get(path) != Some(held) {
            return Err(format!("{path} was destroyed"));
        }
    }
    for (path, held) in now.iter().filter(|(path, _)| !before.contains_key(*path)) {
        let above = own_path.starts_with(&format!("{path}/"));
        let folder = above || operation.act == Act::Create && world::is_folder(path);
        let whole = *path == own_path && *held == [own.bytes.clone()];
        if !(whole || folder && held.len() == 1) {
            return Err(format!("{path} is there, {} times", held.len()));
        }
    }
    Ok(())
}

/// The names in a list.
fn listed(body: &[u8]) -> Option<BTreeSet<String>> {
    serde_json::from_slice(body).ok()
}

/// The names of the living files that belong to a list.
fn living(world: &World, folder: &str) -> BTreeSet<String> {
    let data = folder.rsplit_once("/data/").map(|(above, _)| above);
    let Some(repo) = data else {
        return world.cloud.living(folder).into_iter().collect();
    };
    let all = format!("{repo}/data");
    let shards = world.cloud.living(&all).into_iter();
    shards
        .flat_map(|shard| world.cloud.living(&format!("{all}/{shard}")))
        .collect()
}

/// Safety rule 7: between an upload whose outcome nobody knows and the next one, the server looks
/// what is there. `struck` tells for each call whether the mishap befell it.
pub(super) fn looks_before_it_repeats(trail: &[Endpoint], struck: &[bool]) -> Result<(), String> {
    let mut doubt = false;
    for (call, struck) in trail.iter().zip(struck) {
        match call {
            Endpoint::List | Endpoint::Infos => doubt = false,
            Endpoint::Single | Endpoint::Create if doubt => {
                return Err(format!("sent again without a look: {trail:?}"));
            }
            _ => {}
        }
        let uploads = matches!(
            call,
            Endpoint::Single | Endpoint::Create | Endpoint::Complete
        );
        doubt |= uploads && *struck;
    }
    Ok(())
}
