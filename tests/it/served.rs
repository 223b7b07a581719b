//! A server in this process, over any store, with real connections. It ends with its test.

use crate::wire::Wire;
use restic_123pan::body::Budget;
use restic_123pan::front;
use restic_123pan::server::{self, Config, Error, Stop};
use restic_123pan::service::Service;
use restic_123pan::store::Store;
use std::net::SocketAddr;
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// The server.
pub(crate) struct Served {
    pub(crate) address: SocketAddr,
    pub(crate) stop: Stop,
    thread: Option<JoinHandle<Result<(), Error>>>,
}

impl Served {
    /// One over a store, with some memory for bodies.
    pub(crate) fn over(store: impl Store + 'static) -> Self {
        Self::with(store, 32 << 20, |_| {})
    }

    /// One with so much memory for bodies that is configured otherwise.
    pub(crate) fn with(
        store: impl Store + 'static,
        memory: u64,
        change: impl FnOnce(&mut Config),
    ) -> Self {
        let service = Service::new(Box::new(store), Budget::new(memory, None));
        Self::serving(service, change)
    }

    /// One of a service, on a port that is free.
    pub(crate) fn serving(service: Service, change: impl FnOnce(&mut Config)) -> Self {
        let mut config = Config {
            front: front::Config {
                listen: vec!["127.0.0.1:0".parse().unwrap()],
                ..front::Config::default()
            },
            drain_timeout: Duration::from_secs(1),
            stop_timeout: Duration::from_secs(10),
            ..Config::default()
        };
        change(&mut config);
        let bound = server::bind(&config).unwrap();
        let (address, stop) = (bound.address().unwrap(), bound.stopper());
        let thread = Some(thread::spawn(move || bound.run(service)));
        Self {
            address,
            stop,
            thread,
        }
    }

    /// A repository's address, as clients want it.
    pub(crate) fn url(&self, repo: &str) -> String {
        format!("rest:http://{}{repo}", self.address)
    }

    /// A connection to it.
    pub(crate) fn open(&self) -> Wire {
        Wire::open(self.address)
    }

    /// The status of a request's answer.
    pub(crate) fn status(&self, method: &str, path: &str, body: &[u8]) -> u16 {
        self.open().ask(method, path, "", body).status
    }

    /// Has it end; what that came to.
    pub(crate) fn end(&mut self) -> Result<(), Error> {
        self.stop.stop();
        self.thread.take().unwrap().join().unwrap()
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.stop.stop();
        if let Some(thread) = self.thread.take() {
            let ended = thread.join();
            assert!(thread::panicking() || ended.unwrap().is_ok());
        }
    }
}
