//! How many calls a second are let through: pure, time comes in as an argument. Which rate an
//! endpoint has stands in `endpoint`; what a refused call is answered is left to `gate`.

use super::endpoint::Endpoint;
use serde::{Deserialize, Serialize};
use std::collections::{HashMap, VecDeque};
use std::hash::Hash;

/// How the service counts is unknown, so the shape is a switch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shape {
    /// At most N calls in any span of one second: the strictest reading.
    #[default]
    Sliding,
    /// At most N calls in each second of the clock.
    Fixed,
    /// N calls at once, refilled evenly.
    Bucket,
}

/// What is remembered of each endpoint.
pub struct Limits<E = Endpoint> {
    windows: HashMap<E, Window>,
}

impl<E> Default for Limits<E> {
    fn default() -> Self {
        let windows = HashMap::new();
        Limits { windows }
    }
}

/// The past of one endpoint, in the terms of all three shapes.
#[derive(Default)]
struct Window {
    granted: VecDeque<u64>,
    span: u64,
    count: u64,
    bucket: Option<(f64, u64)>,
}

impl<E: Hash + Eq> Limits<E> {
    /// May this call pass? `rate` is calls a second, `now` milliseconds.
    pub fn take(&mut self, endpoint: E, rate: f64, shape: Shape, now: u64) -> bool {
        let window = self.windows.entry(endpoint).or_default();
        // Below one call a second the span grows instead of the quota shrinking.
        let quota = rate.max(1.0);
        let span = (1000.0 * quota / rate) as u64;
        match shape {
            Shape::Sliding => window.sliding(quota as usize, span, now),
            Shape::Fixed => window.fixed(quota as u64, span, now),
            Shape::Bucket => window.pour(quota, rate / 1000.0, now),
        }
    }
}

impl Window {
    fn sliding(&mut self, quota: usize, span: u64, now: u64) -> bool {
        while self.granted.front().is_some_and(|at| at + span <= now) {
            self.granted.pop_front();
        }
        let free = self.granted.len() < quota;
        if free {
            self.granted.push_back(now);
        }
        free
    }

    fn fixed(&mut self, quota: u64, span: u64, now: u64) -> bool {
        if self.span != now / span {
            self.span = now / span;
            self.count = 0;
        }
        self.count += 1;
        self.count <= quota
    }

    fn pour(&mut self, quota: f64, per_ms: f64, now: u64) -> bool {
        let (level, at) = self.bucket.unwrap_or((quota, now));
        let level = (level + (now - at) as f64 * per_ms).min(quota);
        let free = level >= 1.0;
        self.bucket = Some((if free { level - 1.0 } else { level }, now));
        free
    }
}
