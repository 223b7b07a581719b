//! The calls of the API host, one function each: from arguments to the cloud and back to `data`.
//! Headers, tokens, rates and faults are behind them already (`gate`).

use super::args::Args;
use super::cloud::Node;
use super::content::md5_hex;
use super::endpoint::{Endpoint, Tier};
use super::exchange::Exchange;
use super::gate::Answer;
use super::refusal::Refusal;
use super::state::{Hub, State};
use super::switches::{InfosKey, LimitOver};
use super::views::{self, Ask, id_value, ms};
use serde_json::{Value, json};

/// The largest JSON body.
const BODY_MAX: u64 = 1 << 20;

type Outcome = Result<Value, Refusal>;

/// Carries a call out.
pub fn serve(hub: &Hub, endpoint: Endpoint, exchange: &mut Exchange<'_, '_>) -> Answer {
    let Ok(body) = exchange.body(BODY_MAX) else {
        return Answer::Gone;
    };
    let args = if exchange.head.method == "GET" {
        Args::query(&exchange.head.query)
    } else {
        let kind = exchange.head.header("content-type").unwrap_or("");
        if !kind.starts_with("application/json") {
            let text = format!("{endpoint:?}: Content-Type {kind:?}");
            hub.lock().judge.complain(text);
        }
        match Args::json(&body) {
            Ok(args) => args,
            Err(refusal) => return Answer::No(refusal),
        }
    };
    let peer = exchange.head.peer.to_string();
    call(hub, endpoint, &args, &peer).into()
}

/// The table of calls.
fn call(hub: &Hub, endpoint: Endpoint, args: &Args, peer: &str) -> Outcome {
    let now = hub.clock.now();
    let mut guard = hub.lock();
    let state = &mut *guard;
    match endpoint {
        Endpoint::Token => token(hub, state, args, now),
        Endpoint::UserInfo => Ok(user_info(state, now)),
        Endpoint::List => list(state, args, now),
        Endpoint::Detail => detail(state, args, now),
        Endpoint::Infos => infos(state, args, now),
        Endpoint::Mkdir => mkdir(state, args, now),
        Endpoint::Create => super::sliced::create(hub, state, args, now),
        Endpoint::Complete => super::sliced::complete(hub, state, args, now),
        Endpoint::Domain => Ok(json!(hub.upload_hosts(state.switches.dead_server))),
        Endpoint::Trash => trash(state, args, now),
        Endpoint::Delete => delete(state, args, now),
        Endpoint::Recover => recover(state, args, now),
        Endpoint::RecoverByPath => recover_by_path(state, args, now),
        Endpoint::Rename => rename(state, args),
        Endpoint::Move => relocate(state, args),
        Endpoint::DownloadInfo => download_info(hub, state, args, peer, now),
        Endpoint::Oauth | Endpoint::Slice | Endpoint::Single | Endpoint::Cdn | Endpoint::Other => {
            Err(Refusal::NoSuchPath)
        }
    }
}

fn token(hub: &Hub, state: &mut State, args: &Args, now: u64) -> Outcome {
    let (id, secret) = (args.text("clientID")?, args.text("clientSecret")?);
    if (id.as_str(), secret.as_str()) != (hub.client.0.as_str(), hub.client.1.as_str()) {
        return Err(Refusal::Credentials);
    }
    let end = now + ms(state.switches.token_life);
    let token = state
        .tokens
        .issue(&id, end, state.switches.tokens_live, now);
    state.cloud.version += 1;
    state.judge.calls.tokens += 1;
    let (needless, all) = state.tokens.lately(now);
    if needless > state.switches.tokens_allowed {
        let text = format!("{needless} tokens within ten minutes without need");
        state.judge.complain(text);
    }
    if all > state.switches.tokens_most {
        let text = format!("{all} tokens within ten minutes: do clients push each other out?");
        state.judge.complain(text);
    }
    Ok(json!({"accessToken": token, "expiredAt": super::time::rfc3339(end)}))
}

fn user_info(state: &State, now: u64) -> Value {
    let vip = matches!(state.switches.tier, Tier::Vip | Tier::B);
    const DAY: u64 = 24 * 60 * 60 * 1000;
    let end = super::time::plain(match state.switches.front.benefit_ended {
        true => now - DAY,
        false => now + 365 * DAY,
    });
    let times = json!({"startTime": "2026-01-01 00:00:00", "endTime": end});
    let mut level = times.clone();
    level["vipLevel"] = json!(1);
    level["vipLabel"] = json!("VIP");
    json!({
        "uid": 1001, "nickname": "demo", "headImage": "", "passport": "", "mail": "",
        "spaceUsed": state.used(), "spacePermanent": state.space_total,
        "spaceTemp": 0, "spaceTempExpr": 0, "vip": vip,
        "directTraffic": 0, "isHideUID": false, "httpsCount": 0,
        "vipInfo": if vip { json!([level]) } else { Value::Null },
        "developerInfo": times,
    })
}

fn list(state: &mut State, args: &Args, now: u64) -> Outcome {
    let parent = args.number("parentFileId")?;
    let limit = args.number("limit")?;
    let last = args.maybe("lastFileId")?;
    if args.text("searchData").is_ok_and(|s| !s.is_empty()) {
        let text = "List: searchData ignores the folder and lags";
        state.judge.complain(text);
    }
    if limit > 100 || limit == 0 {
        state.judge.complain(format!("List: limit {limit}"));
        if state.switches.limit_over == LimitOver::Error {
            return Err(Refusal::Limit);
        }
    }
    let limit = usize::try_from(limit.min(100)).unwrap_or(100);
    let ask = Ask {
        parent,
        limit,
        last,
    };
    views::page(&state.cloud, &mut state.pages, &state.switches, &ask, now)
}

fn detail(state: &State, args: &Args, now: u64) -> Outcome {
    let id = args.number("fileID")?;
    let info = views::info(&state.cloud, &state.switches, id, now).ok_or(Refusal::NoFile)?;
    let node = state.cloud.node(id).ok_or(Refusal::NoFile)?;
    let size = if node.folder {
        below(state, id)
    } else {
        node.size
    };
    Ok(json!({
        "fileID": info["fileId"], "filename": info["filename"], "type": info["type"],
        "size": size, "etag": info["etag"], "status": info["status"],
        "parentFileID": info["parentFileId"], "createAt": info["createAt"],
        "trashed": info["trashed"],
    }))
}

/// The size of everything below a folder; of what lies in the bin, if that takes up space.
fn below(state: &State, id: u64) -> u64 {
    let ids = state.cloud.below(id).into_iter();
    let counts = |node: &&Node| !node.trashed || state.switches.bin_counts;
    ids.filter_map(|id| state.cloud.node(id))
        .filter(counts)
        .map(|n| if n.folder { below(state, n.id) } else { n.size })
        .sum()
}

fn infos(state: &mut State, args: &Args, now: u64) -> Outcome {
    let ids = args.ids("fileIds")?;
    state.judge.ids(Endpoint::Infos, ids.len());
    if ids.len() > state.switches.infos_max {
        return Err(Refusal::TooMany);
    }
    let infos = ids
        .iter()
        .filter_map(|id| views::info(&state.cloud, &state.switches, *id, now));
    let rows: Vec<Value> = infos.collect();
    Ok(match state.switches.infos_key {
        InfosKey::FileList => json!({"fileList": rows}),
        InfosKey::List => json!({"list": rows}),
    })
}

fn mkdir(state: &mut State, args: &Args, now: u64) -> Outcome {
    let name = args.text("name")?;
    let parent = args.number("parentID")?;
    state.judge.name(Endpoint::Mkdir, &name);
    state.writable(now)?;
    let (apart, twins) = (state.switches.kinds_apart, state.switches.mkdir_twins);
    let id = state.cloud.mkdir(parent, &name, now, apart, twins)?;
    Ok(json!({"dirID": id_value(&state.switches, id)}))
}

/// The ids of a call that takes up to 100.
fn ids_of(state: &mut State, endpoint: Endpoint, args: &Args) -> Result<Vec<u64>, Refusal> {
    let ids = args.ids("fileIDs")?;
    state.judge.ids(endpoint, ids.len());
    if ids.len() > 100 {
        return Err(Refusal::TooMany);
    }
    if ids.is_empty() {
        state.judge.complain(format!("{endpoint:?}: no ids"));
        return Err(Refusal::Field("fileIDs"));
    }
    Ok(ids)
}

fn trash(state: &mut State, args: &Args, now: u64) -> Outcome {
    let ids = ids_of(state, Endpoint::Trash, args)?;
    for id in &ids {
        let below = state.cloud.below(*id);
        let lives = |id: &u64| state.cloud.node(*id).is_some_and(|n| !n.trashed);
        if below.iter().any(lives) && lives(id) {
            let text = format!("Trash: folder {id} isn't empty");
            state.judge.complain(text);
        }
    }
    let bad = state.switches.trash_bad;
    state.cloud.trash(&ids, bad, now).map(|()| Value::Null)
}

fn delete(state: &mut State, args: &Args, now: u64) -> Outcome {
    let ids = ids_of(state, Endpoint::Delete, args)?;
    for id in &ids {
        // An id that is destroyed already may come again after an answer was lost.
        let living = state.cloud.node(*id).is_some_and(|n| !n.trashed);
        if living || !state.cloud.ever(*id) {
            let text = format!("Delete: {id} isn't in the bin");
            state.judge.complain(text);
        }
    }
    let bad = state.switches.delete_bad;
    state.cloud.delete(&ids, bad, now).map(|()| Value::Null)
}

fn recover(state: &mut State, args: &Args, now: u64) -> Outcome {
    let ids = ids_of(state, Endpoint::Recover, args)?;
    let abnormal = state.cloud.recover(&ids, now);
    let abnormal: Vec<Value> = abnormal
        .iter()
        .map(|id| id_value(&state.switches, *id))
        .collect();
    Ok(json!({"abnormalFileIDs": abnormal}))
}

fn recover_by_path(state: &mut State, args: &Args, now: u64) -> Outcome {
    let ids = ids_of(state, Endpoint::RecoverByPath, args)?;
    let parent = args.number("parentFileID")?;
    for id in ids {
        let node = state.cloud.node(id).ok_or(Refusal::BadIds)?;
        let name = node.name.clone();
        state.cloud.relocate(id, parent, &name)?;
        state.cloud.set_trashed(id, false, now);
    }
    Ok(Value::Null)
}

fn rename(state: &mut State, args: &Args) -> Outcome {
    let (id, name) = (args.number("fileId")?, args.text("fileName")?);
    state.judge.name(Endpoint::Rename, &name);
    let parent = state.cloud.node(id).ok_or(Refusal::NoFile)?.parent;
    state.cloud.relocate(id, parent, &name)?;
    Ok(Value::Null)
}

fn relocate(state: &mut State, args: &Args) -> Outcome {
    let ids = ids_of(state, Endpoint::Move, args)?;
    let parent = args.number("toParentFileID")?;
    for id in ids {
        let name = state.cloud.node(id).ok_or(Refusal::BadIds)?.name.clone();
        state.cloud.relocate(id, parent, &name)?;
    }
    Ok(Value::Null)
}

fn download_info(hub: &Hub, state: &mut State, args: &Args, peer: &str, now: u64) -> Outcome {
    let id = args.number("fileId")?;
    let what = format!("download_info of {id}");
    let pause = ms(state.switches.poll_pause);
    state.judge.asked_again(&what, pause, now);
    let (verifying, missing) = (
        state.switches.download_verifying,
        state.switches.download_missing,
    );
    let lives = state.cloud.lives(id);
    let node = state.cloud.node_mut(id).filter(|n| !n.folder && lives);
    let node = node.ok_or(Refusal::NoFile)?;
    node.asked = node.asked.saturating_add(1);
    if node.asked <= verifying {
        state.judge.told_unready(what, now);
        return Err(Refusal::Verifying);
    }
    if node.asked <= verifying.saturating_add(missing) {
        return Err(Refusal::NoFile);
    }
    if state.traffic == Some(0) {
        return Err(Refusal::NoTraffic);
    }
    let end = now + ms(state.switches.url_life);
    let t = if state.switches.url_t_is_end {
        end
    } else {
        now
    } / 1000;
    let sign = signature(&hub.client.1, id, end, peer);
    let cdn = super::cdn::named(&hub.hosts().cdn, state.switches.front.cdn_tls.0);
    let url = format!("{cdn}/123-61/{id}?t={t}&s={sign}&e={end}&r={peer}");
    Ok(json!({"downloadUrl": url}))
}

/// What makes a URL valid.
pub fn signature(secret: &str, id: u64, end: u64, peer: &str) -> String {
    md5_hex(format!("{secret} {id} {end} {peer}").as_bytes())
}
