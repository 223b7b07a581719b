//! What every emulator lets a test do, whatever its cloud: order faults, move its clock, close its
//! ports, read what was counted; and what becomes of calls by that, before and after they are carried
//! out. Its state has `faults`, `hold`, `judge` and `switches`.

use super::faults::How;

/// What stands of a call's orders when it is carried out.
pub struct Passed {
    /// Whether it is stopped then.
    pub held: bool,
    /// How its answer is spoilt.
    pub how: Option<How>,
}

/// Gives an emulator these methods: its type, its calls' and its hosts'.
macro_rules! orders {
    ($fake:ty, $call:ty, $host:ty) => {
        #[allow(dead_code, reason = "no cloud's tests use all of them")]
        impl $fake {
            // --- Faults and time ---

            /// Orders a fault.
            pub fn fail(&self, fault: $crate::fake::Fault<$call>) {
                self.hub.lock().faults.add(fault);
            }

            /// Orders that the next so many calls to an endpoint fail.
            pub fn fail_next(
                &self,
                endpoint: $call,
                times: u32,
                when: $crate::fake::When,
                how: $crate::fake::How,
            ) {
                self.fail_after(0, endpoint, times, when, how);
            }

            /// The same, once `skip` others have passed.
            pub fn fail_after(
                &self,
                skip: u32,
                endpoint: $call,
                times: u32,
                when: $crate::fake::When,
                how: $crate::fake::How,
            ) {
                self.fail($crate::fake::Fault {
                    endpoint,
                    skip,
                    times,
                    when,
                    how,
                });
            }

            /// Stops one call, before its effect or after it, once `skip` others have passed. It is
            /// never answered.
            pub fn hold(&self, skip: u32, when: $crate::fake::When) {
                self.hub.lock().hold.order(skip, when);
            }

            /// Whether that call stands there.
            pub fn holds(&self) -> bool {
                self.hub.lock().hold.has_stood()
            }

            /// Lets it go.
            pub fn release(&self) {
                self.hub.lock().hold.release();
            }

            /// Has one of so many calls fail in mixed ways, by a seed, until faults are cleared.
            pub fn mix(&self, seed: u64, every: u64) {
                let mix = $crate::fake::mix::Mix::new(seed, every);
                self.hub.lock().faults.mix(mix);
            }

            /// Forgets the faults that were ordered.
            pub fn clear_faults(&self) {
                self.hub.lock().faults.clear();
            }

            /// How many faults happened.
            pub fn faults_fired(&self) -> u64 {
                self.hub.lock().faults.fired()
            }

            /// How many faults are still to happen.
            pub fn faults_left(&self) -> u32 {
                self.hub.lock().faults.left()
            }

            /// Puts the emulator's clock forward: tokens, URLs, lags, bans and rates go by it.
            pub fn advance(&self, by: Duration) {
                self.hub.clock.advance(by);
            }

            /// Refuses connections to a host, and ends those that there are.
            pub fn close(&self, host: $host) {
                self.servers[host as usize].close();
            }

            /// Takes connections to a host again.
            pub fn open(&self, host: $host) {
                self.servers[host as usize].open();
            }

            /// Ends every connection that is open now, also idle ones.
            pub fn hang_up(&self) {
                self.servers.iter().for_each(Server::hang_up);
            }

            // --- The judge ---

            /// What was counted.
            pub fn calls(&self) -> $crate::fake::Calls<$call> {
                self.hub.lock().judge.calls.clone()
            }

            /// The calls one by one, as they came.
            pub fn trail(&self) -> Vec<$call> {
                self.hub.lock().judge.trail.clone()
            }

            /// The counts of one endpoint.
            pub fn count(&self, endpoint: $call) -> $crate::fake::Count {
                self.calls().of(endpoint)
            }

            /// Sets counters to zero and forgets complaints.
            pub fn reset_counters(&self) {
                self.hub.lock().judge.reset();
            }

            /// Each breach of a documented rule by the client.
            pub fn complaints(&self) -> Vec<String> {
                self.hub.lock().judge.complaints()
            }
        }

        impl state::Hub {
            /// A call has come: it waits for the latency, stands if it is held, fails as it was
            /// ordered to. An Err is what becomes of the connection of one that isn't carried out.
            pub fn arrive(
                &self,
                call: $call,
                exchange: &mut $crate::fake::exchange::Exchange<'_, '_>,
            ) -> io::Result<Result<orders::Passed, $crate::fake::http::Then>> {
                use $crate::fake::{When, spoil};
                self.wait(call, exchange);
                let held = self.lock().hold.meet();
                if held == Some(When::Before) {
                    return self.stand(exchange).map(Err);
                }
                let how = match self.strike(call) {
                    Some((When::Before, how)) => {
                        if let Some(then) = spoil::request(self, exchange, &how)? {
                            return Ok(Err(then));
                        }
                        None
                    }
                    after => after.map(|(_, how)| how),
                };
                let held = held.is_some();
                Ok(Ok(orders::Passed { held, how }))
            }

            /// Lets the switched-on latency pass.
            pub fn wait(&self, call: $call, exchange: &$crate::fake::exchange::Exchange<'_, '_>) {
                let latency = {
                    let switches = &self.lock().switches;
                    let own = switches.latency_of.get(&call);
                    own.map_or(switches.latency, |ms| Duration::from_millis(*ms))
                };
                if !latency.is_zero() {
                    exchange.pause(latency);
                }
            }

            /// Counts the call, and finds the fault that is ordered for it.
            pub fn strike(&self, call: $call) -> Option<($crate::fake::When, $crate::fake::How)> {
                let mut state = self.lock();
                state.judge.called(call);
                let fault = state.faults.strike(call);
                if fault.as_ref().is_some_and(|(_, how)| !how.only_waits()) {
                    state.judge.count(call).errors += 1;
                }
                fault
            }

            /// Keeps a call that is held.
            pub fn stand(
                &self,
                exchange: &$crate::fake::exchange::Exchange<'_, '_>,
            ) -> io::Result<$crate::fake::http::Then> {
                self.lock().hold.stands();
                $crate::fake::spoil::stand(exchange, || self.lock().hold.is_held())
            }
        }
    };
}
pub(crate) use orders;
