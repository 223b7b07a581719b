//! A REST server for restic that keeps its repositories in a cloud: a 123pan (123云盘) account, a
//! library of Tencent's Smart Media Hosting (媒体托管), WPS Kdocs (金山文档) as far as its interface
//! goes, or a folder of this machine.
//!
//! ```text
//!   restic, rustic
//!        │ HTTP/1.1, TLS
//!   front       connections, TLS, heads, bodies    the only one that meets the network
//!        │ tickets, clients
//!   server      accept loop, threads, lanes        the only user of tiny_http
//!        │ Head, bytes ─► Answer
//!   service     checks, statuses                   no socket, no thread, no clock
//!        │ Repo, File, Body ─► Entry, Loaded, Error
//!   store       the contract, and its Limits       store::memory is what it means,
//!        ▲                                         store::removals acknowledges before it removes
//!   pan123      a cloud: its calls, their meaning, folders and numbers
//!        │ Call, Dialect
//!   cloud       what clouds share: client, rates, tokens, forms, downloads; it names none of them
//!        │ HTTPS, by ureq in cloud::client alone
//!   the cloud's API, its upload hosts, its CDN
//! ```
//!
//! Whoever stands further down knows nothing of what stands above, and nothing but a cloud's own
//! directory names it: what differs between clouds comes through [`store::Store::limits`], through
//! [`store::Health`] and through the values of [`cloud`].
//!
//! `smh` is another cloud, in which files have paths and an upload is confirmed by its checksum;
//! `kdocs` one in which nothing is certain before its probe, and calls are counted by the day.
//! `local` is a disk as a cloud: the same repositories as restic's own local backend.
//!
//! What leads there: `main, command, args → clouds → {pan123, smh, kdocs, local} → cloud → store`.
//! [`clouds`] alone names them, a line each; [`cloud::Cloud`] is what each is to the rest. [`settings`] is
//! where values come from: option, variable, file, default.
//!
//! `restic` is the protocol as values; `body` is an upload that checks itself while it is read;
//! `turns` keeps operations on one name in order; `inits` keeps clients apart that make one
//! repository; `args` is what the user wants; `civil` writes dates, `disk` small files, `text_file`
//! reads what people wrote; `lines` is what the log shows of others' texts; `error` says what is
//! certain after a failure; `warning` what kinds of warnings there are; `sync` locks; `watch`
//! counts and shows; `limit` slows transfers down; `command` is what the program does besides
//! serving; `speech` says in the user's language what is printed.
//!
//! # How to add a cloud
//!
//! 1. A directory with a table of its calls ([`cloud::call::Spec`]: name, method, what is special)
//!    and their rates.
//! 2. A [`cloud::dialect::Dialect`]: how a request is signed, how an answer is read, which reason
//!    a refusal means (a table), what its owner can do about it.
//! 3. A way to its tokens: [`cloud::token::Secret`] or [`cloud::token::Rotating`] with the call
//!    that brings one.
//! 4. Typed calls over [`cloud::client::Client`], and over them the verbs of [`store::Store`] with
//!    its [`store::Limits`]. [`cloud::download::Reader`] resumes downloads, [`cloud::form::Form`]
//!    streams uploads, [`cloud::walk`] reads folders side by side,
//!    [`cloud::layout`] says in which of them packs lie.
//! 5. Steps for a doctor in [`cloud::doctor`]'s frame, questions for a probe in
//!    [`cloud::probe`]'s, if the documents leave any open; what `verify` finds as
//!    [`cloud::finding::Finding`]s.
//! 6. A [`cloud::Cloud`]: its name, its options, a struct that argh reads, and its credentials; and a
//!    line in [`clouds`].
//!
//! # What always holds
//!
//! 1. `restic` and `service` know no socket, thread or clock. tiny_http stands in `server` alone,
//!    httparse and rustls's server side in `front` alone, ureq in `cloud::client` alone.
//! 2. Only a cloud's directory knows that files have numbers; nothing in it knows the statuses that
//!    clients get. Only `service` picks a status, only `cloud::retry` decides to try again, only a cloud's
//!    table of meanings says what an answer means, only its table of calls holds rates.
//! 3. No lock is held across a call to the cloud, save for the token's renewal.
//! 4. Nothing exists under its final name before `save` has returned Ok; after any single fault a
//!    file is absent or whole. The cloud itself refuses to overwrite.
//! 5. A body is held whole only within the memory budget; lists and downloads are streamed, and
//!    none of them can look complete when it isn't.
//! 6. Every queue, loop, wait and buffer has a bound: a named constant with its unit and reason.
//! 7. Secrets (client secret, tokens, passwords, addresses that hold any) reach no log, no
//!    `Debug`, no error text: a call is named by its line of the table.
//! 8. The only truth is at the cloud. What is remembered in memory is a hint, found again when it
//!    turns out wrong; what is on disk can be lost, but for an OAuth grant, which its user would
//!    have to give again (`cloud::token`). Ending the process at any moment loses the
//!    requests under way and removals of packs, which the next prune repeats, and nothing else.
//!
//! There is no database, no local index of the cloud, no async runtime, and no retry around a
//! whole operation: restic does that.
//!
//! # What the log's levels mean
//!
//! *error*: data may be lost, or somebody must act now. *warn*: something went wrong that the
//! server lives with; the line says what to do if there is something to do. *info*: one line a
//! request, and what changes the server's ways. *debug*: each repetition and each wait.
#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test fails by panicking"))]

pub mod access;
pub mod args;
pub mod body;
pub mod civil;
pub mod cloud;
pub mod clouds;
pub mod command;
pub mod disk;
pub mod error;
pub mod front;
pub mod inits;
pub mod kdocs;
pub mod limit;
pub mod lines;
pub mod local;
pub mod manager;
pub mod pan123;
pub mod restic;
pub mod server;
pub mod service;
pub mod settings;
pub mod smh;
pub mod speech;
pub mod store;
pub mod sync;
mod text_file;
pub mod turns;
pub mod units;
pub mod warning;
pub mod watch;
pub mod zone;
