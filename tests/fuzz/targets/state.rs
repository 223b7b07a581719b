//! The files of the state directory, which a crash, a full disk or an older program may have left
//! in any state: a token, the list of what is to be purged, as it is and as it was once, and the
//! ledger of promises.
#![no_main]

use libfuzzer_sys::fuzz_target;
use restic_123pan::cloud::Timing;
use restic_123pan::cloud::time::Time;
use restic_123pan::pan123::fuzz::{
    GrantFile, List, PendingPurges, Stored, Token, acknowledged, listed, made, noted, sealed,
};

/// Moments of the clock, in seconds since 1970; routers without a battery begin at 0.
const NOW: [u64; 3] = [0, 1_800_000_000, 250_000_000_000];

fuzz_target!(|bytes: &[u8]| {
    let resealed = resealed(bytes);
    token(bytes);
    open(bytes);
    open(resealed.as_bytes());
    kept(&List::parse(bytes));
    kept(&List::parse(resealed.as_bytes()));
    let mut lines = noted(bytes) + &noted(resealed.as_bytes());
    lines += &listed(bytes).unwrap_or_default();
    kept(&List::parse(lines.as_bytes()));
});

/// What is written of a list is read again, and then it is the same.
fn kept(list: &List) {
    let kept = List::parse(list.text().as_bytes());
    let text = List::parse(kept.text().as_bytes()).text();
    assert_eq!(text, kept.text(), "a list changes by being kept");
    for now in NOW {
        use_list(list, now);
    }
}

/// What is open in a ledger can be written again, and is the same then.
fn open(ledger: &[u8]) {
    for (repo, file) in acknowledged(ledger) {
        let line = made(0, &repo, &file);
        let again = acknowledged(line.as_bytes());
        assert!(matches!(&again[..], [(repo, file)] if made(0, repo, file) == line));
    }
}

/// The same lines, each with the sum that has it read.
fn resealed(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).lines().map(sealed).collect()
}

fn token(bytes: &[u8]) {
    if let Ok(stored) = serde_json::from_slice::<Stored>(bytes) {
        let text = serde_json::to_vec(&stored).expect("JSON");
        let again: Stored = serde_json::from_slice(&text).expect("what it has written itself");
        assert_eq!(serde_json::to_vec(&again).expect("JSON"), text);
        use_token(&stored.token());
    }
    let kept = std::str::from_utf8(bytes).ok().and_then(GrantFile::parse);
    if let Some(kept) = kept {
        let text = serde_json::to_string(&kept).expect("JSON");
        assert!(GrantFile::parse(&text).is_some_and(|again| again == kept));
        use_token(&kept.token());
    }
}

fn use_token(token: &Token) {
    for now in NOW.into_iter().chain([token.issued, token.expires]) {
        let _ = token.usable(now);
    }
}

/// Files are purged in hundreds, and what is gone isn't on the list any more.
fn use_list(list: &List, now: u64) {
    let before = list.waiting.len();
    let time = Time::new(&Timing::default());
    time.tell(now);
    let pending = PendingPurges::of(list.clone(), time);
    let (due, oldest) = (pending.due(), pending.oldest());
    assert!(due.len() <= 100 && oldest.len() <= 100);
    assert_eq!(pending.due(), due, "what is due changes by being asked for");
    let (gone, alive) = due.split_at(due.len() / 2);
    pending.learn(gone, alive);
    pending.postpone(&oldest);
    assert!(pending.due().iter().all(|file| !due.contains(file)));
    assert!(pending.len() <= before - due.len());
}
