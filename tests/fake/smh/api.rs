//! The calls of the library host, one function each: from what is asked to the space and back.
//! Faults, rates and tokens are behind them already (`gate`); lists, uploads, many deletes and the
//! recycle bin have files of their own.

use super::answer::{self, Answer};
use super::call::{Call, Route};
use super::refusal::{Outcome, Refusal, no};
use super::state::{Hub, State};
use super::storage;
use super::tokens::Token;
use super::tree::{Kind, Node, Strategy, check_name};
use super::{batch, bin, listing, tasks, upload};
use serde_json::{Value, json};

/// Seconds for which a download's address is good: the least, and the most, which is usual.
const ADDRESS_LIFE: (u64, u64) = (60, 7200);

/// The table of calls.
pub fn call(
    hub: &Hub,
    state: &mut State,
    route: &Route,
    body: &[u8],
    token: Option<&Token>,
    now: u64,
) -> Outcome {
    if let Some(token) = token {
        allow(route, token)?;
    }
    match route.call {
        Call::Token => issue(hub, state, route, now),
        Call::RenewToken => renew(hub, state, route, now),
        Call::EndToken => {
            state.tokens.end(&route.space);
            Ok(Answer::empty(204))
        }
        Call::EndTokens => {
            secret(hub, route.query.text("library_secret"))?;
            state.tokens.revoke_all();
            Ok(Answer::empty(204))
        }
        Call::Mkdir => mkdir(state, route, now),
        Call::HeadFolder => head_folder(state, route),
        Call::Info => info(state, route),
        Call::Stats => stats(state, route),
        Call::List => listing::list(state, route, now),
        Call::DeleteFile | Call::DeleteFolder => delete(state, route, now),
        Call::HeadFile => head_file(state, route),
        Call::FileInfo => file_info(hub, state, route, now),
        Call::Download => download(hub, state, route, now),
        Call::Start | Call::StartParts => upload::start(hub, state, route, body, now),
        Call::RenewParts => upload::renew(hub, state, route, now),
        Call::Confirm => upload::confirm(hub, state, route, body, now),
        Call::Session => upload::session(state, hub, route),
        Call::Abort => upload::abort(state, route),
        Call::Batch => batch::delete(state, token, body, now),
        Call::Task => tasks::list(state, route, now),
        Call::TaskResult => tasks::one(state, route, now),
        Call::ListBin => bin::list(state, route, now),
        Call::Purge => bin::purge(state, route),
        Call::PurgeMany => bin::purge_many(state, body),
        Call::Restore => bin::restore(state, route, body, now),
        Call::Lifecycle => bin::lifecycle(state),
        Call::Usage => usage(hub, state, route, token),
        Call::Size => size(state, route),
        Call::Quota => quota(hub, state),
        Call::History => history(state, route),
        Call::Put | Call::Get | Call::Other => no("RouteNotFound"),
    }
}

/// Whether a token allows a call. A batch looks at its items by itself.
fn allow(route: &Route, token: &Token) -> Result<(), Refusal> {
    let overwrites = route.query.text("conflict_resolution_strategy") == Some("overwrite");
    let permanent = route.query.says("permanent");
    let good = match route.call {
        Call::Mkdir => token.may("create_directory"),
        Call::Start | Call::StartParts if overwrites => token.may("upload_file_force"),
        Call::Start | Call::StartParts | Call::RenewParts | Call::Session | Call::Abort => {
            token.may("upload_file")
        }
        Call::Confirm => token.may("confirm_upload"),
        Call::DeleteFile => token.may(right_to_delete(Kind::File, permanent)),
        Call::DeleteFolder => token.may(right_to_delete(Kind::Dir, permanent)),
        Call::Purge | Call::PurgeMany => token.may("delete_recycled"),
        Call::Restore => token.may("restore_recycled"),
        Call::ListBin | Call::Lifecycle | Call::Usage | Call::Size | Call::Quota => {
            token.is_space_admin()
        }
        Call::History => token.is_admin(),
        _ => true,
    };
    if good { Ok(()) } else { no("NoPermission") }
}

/// The right that a delete needs.
pub fn right_to_delete(kind: Kind, permanent: bool) -> &'static str {
    match (kind, permanent) {
        (Kind::Dir, false) => "delete_directory",
        (Kind::Dir, true) => "delete_directory_permanent",
        (_, false) => "delete_file",
        (_, true) => "delete_file_permanent",
    }
}

// --- Tokens ---

fn secret(hub: &Hub, secret: Option<&str>) -> Result<(), Refusal> {
    match secret == Some(&*hub.secret) {
        true => Ok(()),
        false => no("WrongLibraryIdOrSecret"),
    }
}

fn issue(hub: &Hub, state: &mut State, route: &Route, now: u64) -> Outcome {
    let query = &route.query;
    if query.text("library_id") != Some(&*hub.library) {
        return no("WrongLibraryIdOrSecret");
    }
    secret(hub, query.text("library_secret"))?;
    let (grants, spaces) = (query.list("grant"), query.list("space_id"));
    let issued = state
        .tokens
        .issue(grants, spaces, query.text("period"), now);
    let (text, period) = issued.ok_or(Refusal("ParamInvalid"))?;
    state.judge.calls.tokens += 1;
    let body = json!({"accessToken": text, "expiresIn": period});
    Ok(Answer::json(200, body))
}

fn renew(hub: &Hub, state: &mut State, route: &Route, now: u64) -> Outcome {
    if route.library != hub.library {
        return no("AccessTokenNotMatchLibrary");
    }
    let period = state.tokens.renew(&route.space, now);
    let period = period.ok_or(Refusal("InvalidAccessToken"))?;
    let body = json!({"accessToken": route.space, "expiresIn": period});
    Ok(Answer::json(200, body))
}

// --- Folders ---

fn mkdir(state: &mut State, route: &Route, now: u64) -> Outcome {
    let strategy = route.query.text("conflict_resolution_strategy");
    let strategy = Strategy::parse(strategy.unwrap_or("ask"))?;
    if strategy != Strategy::Ask {
        let text = format!("Mkdir: strategy {}", strategy.name());
        state.judge.complain(text);
    }
    if strategy == Strategy::Overwrite {
        return no("InvalidConflictResolutionStrategy");
    }
    for name in &route.path {
        check_name(name, "DirectoryNameLengthExceed")?;
    }
    if state.switches.media && route.path.len() > 1 {
        return no("DirectoryLevelExceed");
    }
    let id = state.tree.mkdir(&route.path, strategy, now)?;
    let path = state.tree.path_of(id);
    let body = json!({"path": path, "creationTime": answer::iso(now)});
    Ok(Answer::json(201, body))
}

fn head_folder(state: &State, route: &Route) -> Outcome {
    let found = state.tree.folder(&route.path);
    found.ok_or(Refusal("DirectoryNotFound"))?;
    Ok(Answer {
        headers: vec![("x-smh-type", "dir".to_owned())],
        ..Answer::empty(state.switches.head_folder)
    })
}

fn info(state: &State, route: &Route) -> Outcome {
    if route.path.is_empty() {
        return Ok(Answer::json(
            200,
            json!({"path": [], "name": "", "type": "dir"}),
        ));
    }
    let node = state.tree.at(&route.path).ok_or(Refusal("PathNotFound"))?;
    let mut body = answer::entry(node, &state.switches);
    body["path"] = json!(route.path);
    Ok(Answer::json(200, body))
}

fn stats(state: &State, route: &Route) -> Outcome {
    let folder = state.tree.folder(&route.path);
    let mut sums = [0, 0, 0];
    add_up(
        state,
        folder.ok_or(Refusal("DirectoryNotFound"))?,
        &mut sums,
    );
    let [storage, files, folders] = sums;
    let body = json!({"storage": storage, "fileCount": files, "dirCount": folders});
    Ok(Answer::json(200, body))
}

/// Bytes, files and folders below a folder.
fn add_up(state: &State, folder: u64, sums: &mut [u64; 3]) {
    for node in state.tree.below(folder) {
        match node.kind {
            Kind::Dir => {
                sums[2] += 1;
                add_up(state, node.id, sums);
            }
            _ => (sums[0], sums[1]) = (sums[0] + node.size, sums[1] + 1),
        }
    }
}

// --- Files ---

/// A file that has its bytes.
fn file<'a>(state: &'a State, route: &Route) -> Result<&'a Node, Refusal> {
    let node = state.tree.at(&route.path);
    let node = node
        .filter(|n| n.kind != Kind::Dir)
        .ok_or(Refusal("FileNotFound"))?;
    match node.removed {
        true => no("FileRemovedByQuota"),
        false => Ok(node),
    }
}

fn head_file(state: &State, route: &Route) -> Outcome {
    let headers = answer::headers(file(state, route)?);
    let status = state.switches.head_file;
    Ok(Answer {
        status,
        headers,
        body: None,
    })
}

/// When an address that is asked for now ends.
fn end(state: &mut State, route: &Route, now: u64) -> Result<u64, Refusal> {
    let period = route
        .query
        .number("period")
        .ok_or(Refusal("ParamInvalid"))?;
    let (least, most) = ADDRESS_LIFE;
    if period.is_some_and(|seconds| !(least..=most).contains(&seconds)) {
        state
            .judge
            .complain(format!("{:?}: period out of its bounds", route.call));
    }
    let seconds = period.unwrap_or(most).clamp(least, most);
    Ok(now + seconds * 1000)
}

fn file_info(hub: &Hub, state: &mut State, route: &Route, now: u64) -> Outcome {
    let end = end(state, route, now)?;
    let node = file(state, route)?;
    let mut body = answer::metadata(node);
    if !route.query.has("pre_check") && node.kind.has_bytes() {
        body["cosUrl"] = json!(storage::address(hub, &state.switches, node, end));
        body["cosUrlExpiration"] = json!(answer::iso(end));
        body["availableCosUrls"] = json!([]);
    }
    Ok(Answer::json(200, body))
}

fn download(hub: &Hub, state: &mut State, route: &Route, now: u64) -> Outcome {
    let end = end(state, route, now)?;
    let node = file(state, route)?;
    let mut headers = vec![(
        "Location",
        storage::address(hub, &state.switches, node, end),
    )];
    if state.switches.redirect_tells {
        headers.extend(answer::headers(node));
    }
    let (status, body) = (302, None);
    Ok(Answer {
        status,
        headers,
        body,
    })
}

/// Deletes a file, or a folder with all that is in it.
fn delete(state: &mut State, route: &Route, now: u64) -> Outcome {
    let call = route.call;
    if !route.query.has("permanent") {
        state
            .judge
            .complain(format!("{call:?}: permanent isn't said"));
    }
    if route.query.has("directory_only") {
        state.judge.complain(format!("{call:?}: directory_only"));
        return no("ParamInvalid");
    }
    let folder = call == Call::DeleteFolder;
    if folder && route.path.is_empty() {
        state.judge.complain("DeleteFolder: the root");
        return no("RootDirectoryNotAllowed");
    }
    let absent = if folder {
        "DirectoryNotFound"
    } else {
        "FileNotFound"
    };
    let node = state.tree.at(&route.path);
    let fits = |n: &&Node| (n.kind == Kind::Dir) == folder;
    let id = node.filter(fits).ok_or(Refusal(absent))?.id;
    let permanent = route.query.says("permanent");
    if folder && state.switches.folder_task {
        return Ok(tasks::begin(
            state,
            vec![(route.path.clone(), permanent)],
            now,
        ));
    }
    Ok(match batch::remove(state, id, permanent, now) {
        None => Answer::empty(204),
        Some(number) => Answer::json(200, json!({"recycledItemId": number})),
    })
}

// --- The space ---

fn usage(hub: &Hub, state: &State, route: &Route, token: Option<&Token>) -> Outcome {
    let admin = token.is_some_and(Token::is_admin);
    if route.space.is_empty() {
        let total = json!({"totalFileSize": state.used().to_string()});
        return if admin {
            Ok(Answer::json(200, total))
        } else {
            no("NoPermission")
        };
    }
    let mut all = Vec::new();
    for space in route.space.split(',') {
        if !token.is_some_and(|t| t.is_for(space)) {
            return no("AccessTokenNotMatchSpace");
        }
        if space != hub.space {
            return no("SpaceNotFound");
        }
        let free = state
            .quota
            .map(|q| q.saturating_sub(state.used()).to_string());
        all.push(json!({
            "spaceId": space, "capacity": state.quota.map(|q| q.to_string()),
            "availableSpace": free, "size": state.used().to_string(),
        }));
    }
    Ok(Answer::json(200, Value::Array(all)))
}

fn size(state: &State, route: &Route) -> Outcome {
    match route.key() {
        "size" => Ok(Answer::json(200, json!({"size": state.used().to_string()}))),
        _ => no("RouteNotFound"),
    }
}

fn quota(hub: &Hub, state: &State) -> Outcome {
    let quota = state.quota.ok_or(Refusal("NoQuota"))?;
    let body = json!({
        "id": 1, "spaces": [hub.space], "capacity": quota.to_string(),
        "removeWhenExceed": state.switches.quota_removes, "removeAfterDays": 0,
        "removeNewest": false,
    });
    Ok(Answer::json(200, body))
}

fn history(state: &State, route: &Route) -> Outcome {
    match &*route.space {
        "library-history" => Ok(Answer::json(
            200,
            json!({
                "enableFileHistory": state.switches.history, "fileHistoryCount": 99,
                "fileHistoryExpireDay": 0, "mergeInterval": 0,
            }),
        )),
        _ => no("RouteNotFound"),
    }
}
