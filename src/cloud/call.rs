//! A call as a cloud's own code makes it: a line of its table with a query and a body. How it is
//! addressed and signed is the [`Dialect`](super::dialect::Dialect)'s, how it is made the
//! [`Client`](super::client::Client)'s.

use super::form::{Content, Form};
use super::pace::Priority;

/// A line of a cloud's table of calls: all that must be known of one to make it.
#[derive(Debug)]
pub struct Spec {
    /// Its place in the table.
    pub number: usize,
    /// The place of the rate that it counts against; several calls may share one.
    pub queue: usize,
    /// What logs and metrics call it. Addresses they never show.
    pub name: &'static str,
    /// The HTTP method.
    pub method: &'static str,
    /// What is special about it.
    pub ways: &'static [Way],
    /// Most of them a second, for each tier that accounts have; none where its queue has a rate.
    pub rates: &'static [f64],
}

/// Writes down a cloud's calls, a line each: its name in the program, what is special about it, the
/// place of its rate (`own` for one of its own), the HTTP method, what logs call it, its rates.
macro_rules! endpoints {
    (@queue own $name:ident) => { Endpoint::$name as usize };
    (@queue $queue:literal $name:ident) => { $queue };
    ($($(#[$doc:meta])* $name:ident, [$($way:ident),*], $queue:tt, $method:literal, $says:literal
        $(, $rate:literal)*;)*) => {
        /// The calls that we make.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Endpoint { $($(#[$doc])* $name,)* }

        impl Endpoint {
            /// The line of the table.
            pub fn spec(self) -> &'static Spec {
                &TABLE[self as usize]
            }

            /// The endpoint of a line.
            pub fn of(spec: &Spec) -> Self {
                [$(Self::$name),*][spec.number]
            }
        }

        /// The same, as they are made.
        pub static TABLE: &[Spec] = &[$(Spec {
            number: Endpoint::$name as usize,
            queue: $crate::cloud::call::endpoints!(@queue $queue $name),
            name: $says,
            method: $method,
            ways: &[$($crate::cloud::call::Way::$way),*],
            rates: &[$($rate),*],
        }),*];
    };
}
pub(crate) use endpoints;

/// What is special about a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// It can be made twice without harm when its answer was lost.
    Idempotent,
    /// It makes a file or folder, and one more each time where names may be doubled.
    Makes,
    /// It changes files; a write ban forbids these.
    Writes,
    /// It goes to a host of its own instead of the API's, and another one can be tried.
    Elsewhere,
    /// It is what tokens come from, so that none goes with it and its texts may be secrets.
    GivesTokens,
    /// No token goes with it, because its address tells who may make it.
    Unsigned,
    /// Asking again is how one waits for it.
    Polled,
}

impl Spec {
    /// Whether it is special so.
    pub fn is(&self, way: Way) -> bool {
        self.ways.contains(&way)
    }

    /// Whether a token goes with it.
    pub fn needs_token(&self) -> bool {
        !self.is(Way::GivesTokens) && !self.is(Way::Unsigned)
    }
}

/// A call to be made.
pub struct Call<'a, 'f> {
    pub(super) spec: &'static Spec,
    pub(super) host: Option<&'a str>,
    pub(super) path: &'a str,
    pub(super) query: &'a str,
    pub(super) headers: &'a [(String, String)],
    pub(super) payload: Payload<'a, 'f>,
    pub(super) priority: Priority,
}

/// What a call sends.
pub(super) enum Payload<'a, 'f> {
    /// Nothing.
    None,
    /// A text of this type.
    Text(&'static str, String),
    /// What is read while it is sent, of this type.
    Stream(Option<String>, &'a mut (dyn Content + 'f)),
}

impl<'a, 'f> Call<'a, 'f> {
    /// A call without a body to this path on the API's host.
    pub fn new(spec: &'static Spec, path: &'a str) -> Self {
        Self {
            spec,
            host: None,
            path,
            query: "",
            headers: &[],
            payload: Payload::None,
            priority: Priority::Packs,
        }
    }

    /// With this query, without its question mark.
    #[must_use]
    pub fn query(self, query: &'a str) -> Self {
        Self { query, ..self }
    }

    /// To another host than the API's, which is named with its scheme.
    #[must_use]
    pub fn to(self, host: &'a str) -> Self {
        let host = Some(host);
        Self { host, ..self }
    }

    /// With these headers besides those of every call.
    #[must_use]
    pub fn headers(self, headers: &'a [(String, String)]) -> Self {
        Self { headers, ..self }
    }

    /// With JSON.
    #[must_use]
    pub fn json(self, body: &serde_json::Value) -> Self {
        self.text("application/json", body.to_string())
    }

    /// With a text of this type.
    #[must_use]
    pub fn text(self, kind: &'static str, text: String) -> Self {
        let payload = Payload::Text(kind, text);
        Self { payload, ..self }
    }

    /// With a form.
    #[must_use]
    pub fn form(self, form: &'a mut Form<'f>) -> Self {
        let payload = Payload::Stream(Some(Form::content_type()), form);
        Self { payload, ..self }
    }

    /// With a content as it is.
    #[must_use]
    pub fn content(self, content: &'a mut (dyn Content + 'f)) -> Self {
        let payload = Payload::Stream(None, content);
        Self { payload, ..self }
    }

    /// Who goes first when calls must wait.
    #[must_use]
    pub fn priority(self, priority: Priority) -> Self {
        Self { priority, ..self }
    }

    /// Whether its body is read from a client while it is sent.
    pub(super) fn streams(&self) -> bool {
        matches!(self.payload, Payload::Stream(..))
    }

    /// Takes a little of its body, if any, from whoever sends it.
    pub(super) fn show_life(&mut self) {
        if let Payload::Stream(_, content) = &mut self.payload {
            content.show_life();
        }
    }

    /// Whether its body, if any, can be sent from its start.
    pub(super) fn ready(&self) -> bool {
        match &self.payload {
            Payload::Stream(_, content) => content.ready(),
            _ => true,
        }
    }
}
