//! The part of the page about queues, rates and limits.

use super::super::snapshot::Snapshot;
use super::parts::card;
use super::texts::Texts;
use super::values::{escaped, filled};
use crate::units::bytes;
use std::fmt::Write;

/// Queues and rates.
pub(super) fn work(out: &mut String, seen: &Snapshot, texts: &Texts) {
    let cloud = &seen.cloud;
    let of = |part: &str, whole: &str| filled(texts.of, part, whole);
    let waiting: usize = seen.lanes.iter().map(|lane| lane.waiting).sum();
    let rate_waiting: usize = cloud.calls.iter().map(|call| call.waiting).sum();
    // A disk has no uploads of its own.
    let uploads = (cloud.uploads_most > 0).then(|| {
        let most = cloud.uploads_most.to_string();
        (texts.uploads, of(&cloud.uploads.to_string(), &most))
    });
    let facts = [
        (texts.waiting, waiting.to_string()),
        (texts.rate_waiting, rate_waiting.to_string()),
        (
            texts.memory,
            of(&bytes(seen.memory), &bytes(seen.memory_most)),
        ),
        (texts.limits, limits(seen, texts)),
        (texts.removing, cloud.removing.to_string()),
        (texts.unremoved, cloud.unremoved.to_string()),
        (texts.bin, cloud.bin.to_string()),
    ];
    card(out, " wide", texts.work);
    out.push_str("<div class=\"halves\"><dl>");
    for (name, value) in uploads.into_iter().chain(facts) {
        let _ = write!(out, "<div><dt>{name}</dt><dd>{value}</dd></div>");
    }
    out.push_str("</dl>");
    calls(out, seen, texts);
    out.push_str("</div></section>");
}

/// Limits of traffic, up and down.
fn limits(seen: &Snapshot, texts: &Texts) -> String {
    let limit = |rate: Option<u64>| match rate {
        Some(rate) => format!("{}/s", bytes(rate)),
        None => texts.unlimited.to_owned(),
    };
    let (up, down) = (limit(seen.limit_upload), limit(seen.limit_download));
    format!("↑ {up}, ↓ {down}")
}

fn calls(out: &mut String, seen: &Snapshot, texts: &Texts) {
    let used = seen.cloud.calls.iter().filter(|call| call.made > 0);
    let mut used = used.peekable();
    if used.peek().is_none() {
        return;
    }
    let _ = write!(
        out,
        "<table><thead><tr><th>{}</th><th>{}</th><th>{}</th><th>{}</th><th>{}</th></tr></thead>",
        texts.call, texts.made, texts.refused, texts.failed, texts.rate
    );
    for call in used {
        let hot = |count: u64| if count > 0 { " class=\"near\"" } else { "" };
        let name = call.name.rsplit_once("/v");
        let name = name.map_or(call.name, |(_, end)| end);
        let name = name.split_once('/').map_or(name, |(_, end)| end);
        // Where it may be broken on a phone.
        let name = escaped(&texts.said(name))
            .replace('/', "/<wbr>")
            .replace('_', "_<wbr>");
        let _ = write!(
            out,
            "<tr><td title=\"{}\">{}</td><td>{}</td><td{}>{}</td><td{}>{}</td><td>{:.1}</td></tr>",
            escaped(call.name),
            name,
            call.made,
            hot(call.throttled),
            call.throttled,
            hot(call.failed),
            call.failed,
            call.per_second
        );
    }
    out.push_str("</table>");
}
