//! A snapshot as one self-contained page: no script, nothing from elsewhere, readable on a phone,
//! light or dark as its reader likes it. Its parts stand in `parts`, `work` and `notes`, its words in `texts`.

mod notes;
mod parts;
#[cfg(test)]
mod tests;
pub mod texts;
pub mod values;
mod work;

pub use texts::Language;

use super::snapshot::Snapshot;
use notes::{attention, warnings};
use parts::{account, footer, header, repositories, transfers};
use work::work;

/// What the page may load: nothing but its own style and its own small picture.
pub const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; \
                          base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const STYLE: &str = include_str!("style.css");
const ICON: &str = "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 \
                    16'%3E%3Crect width='16' height='16' rx='4' fill='%232f7d5b'/%3E%3Cpath d='M4 \
                    8.5l2.6 2.6L12 5.6' fill='none' stroke='white' stroke-width='1.8'/%3E%3C/svg%3E";

/// A snapshot as a page.
pub fn page(seen: &Snapshot, language: Language) -> String {
    let texts = language.texts();
    let code = texts.code;
    let mut out = format!(
        "<!doctype html>\n<html lang=\"{code}\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <meta http-equiv=\"refresh\" content=\"10\">\
         <meta name=\"color-scheme\" content=\"light dark\">\
         <title>restic-123pan</title><link rel=\"icon\" href=\"{ICON}\">\
         <style>{STYLE}</style></head><body><main>"
    );
    header(&mut out, seen, texts);
    attention(&mut out, seen, texts, language);
    out.push_str("<div class=\"grid\">");
    account(&mut out, seen, texts);
    transfers(&mut out, seen, texts);
    repositories(&mut out, seen, texts);
    work(&mut out, seen, texts);
    warnings(&mut out, seen, texts, language);
    out.push_str("</div>");
    footer(&mut out, seen, texts, language.other().texts());
    out.push_str("</main></body></html>\n");
    out
}
