//! What every emulator lets a test do, whatever its cloud: order faults, move its clock, close its
//! ports, read what was counted. Its state has `faults`, `hold` and `judge`.

/// Gives an emulator these methods: its type, its calls' and its hosts'.
macro_rules! orders {
    ($fake:ty, $call:ty, $host:ty) => {
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
                let skip = 0;
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
    };
}
pub(crate) use orders;
