//! An answer of 123pan's: the first line is the HTTP status, the rest the body. The envelope is
//! read, its data as each answer that there is, and the outcome is judged for each endpoint.
#![no_main]

use libfuzzer_sys::fuzz_target;
use restic_123pan::civil;
use restic_123pan::pan123::fuzz::{
    Endpoint, Outcome, Reason, Way, describe, lifetime, parse, read_as_each, reason,
};
use std::time::Duration;

/// Longest sentence for the log: what is quoted is clipped, and escapes make it ten times longer.
const LONGEST: usize = 10 * 300;
/// The moment of the tests, in seconds since 1970.
const NOW: u64 = 1_800_000_000;

fuzz_target!(|bytes: &[u8]| {
    let end = bytes.iter().position(|byte| *byte == b'\n').unwrap_or(0);
    let (status, body) = bytes.split_at(end);
    let status = std::str::from_utf8(status)
        .ok()
        .and_then(|text| text.parse().ok());
    let status = status.unwrap_or(200);
    for endpoint in Endpoint::ALL {
        let mut data = None;
        let (outcome, trace) = parse(*endpoint, status, body, &mut |text| {
            data = Some(text.to_owned());
            Ok(())
        });
        if let Some(data) = &data {
            assert!(outcome == Outcome::Done, "data of a failure");
            read_data(data);
        }
        let reason = reason(*endpoint, &outcome);
        assert_eq!(reason.is_none(), outcome == Outcome::Done, "{outcome:?}");
        assert!(
            reason != Some(Reason::Full)
                || endpoint.spec().is(Way::Writes)
                || !matches!(outcome, Outcome::Garbage { .. })
        );
        let text = describe("123pan", endpoint.spec(), &outcome, &trace);
        assert!(text.len() < LONGEST, "{} bytes for the log", text.len());
        assert!(!text.contains(|c: char| c.is_control()), "{text:?}");
    }
    if let Ok(text) = std::str::from_utf8(body) {
        read_data(text);
        times(text);
    }
});

fn read_data(text: &str) {
    let rows = read_as_each(text);
    // A row has a number and a name at least.
    assert!(rows.len() <= text.len() / r#"{"fileId":1,"filename":""}"#.len());
    for row in rows {
        assert!(!(row.is_file() && row.is_folder()));
        assert!(row.holds(row.size, &row.etag.to_uppercase()) || !row.etag.is_ascii());
    }
}

/// Times and download addresses stand in answers as text.
fn times(text: &str) {
    let text = text.trim();
    // Years after 9999 are written with more digits than are read.
    if let Some(seconds) = civil::chinese(text).filter(|at| *at < 253_402_300_800) {
        assert_eq!(
            civil::seconds(&civil::rfc3339(seconds)),
            Some(seconds),
            "{text}"
        );
    }
    let usual = Duration::from_secs(600);
    for now in [0, NOW, u64::MAX] {
        let _ = lifetime(text, now, usual);
    }
}
