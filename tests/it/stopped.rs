//! A process that is stopped in the middle of a spend, gracefully or for good (threats T85, T120): what it had begun it ends, or another
//! process does, and nothing waits for ever.
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use authsignal_emulator::Emulator;
use axum_authsignal::store::{Error, Key, MemoryStore, Store, Version};
use test_support::waiting::until;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use crate::support::{Bench, Effects, app, bench_with, builder_of, clock, get};

/// Where a write waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stop {
    Nowhere,
    BeforeIt,
    AfterIt,
}

/// A store whose writes wait at a gate.
#[derive(Clone, Debug)]
struct Gated {
    inner: MemoryStore,
    gate: watch::Sender<Stop>,
    waiting: Arc<AtomicUsize>,
}

impl Gated {
    fn new() -> Self {
        Self {
            inner: MemoryStore::new().clock(clock()),
            gate: watch::Sender::new(Stop::Nowhere),
            waiting: Arc::default(),
        }
    }

    async fn wait(&self, at: Stop) {
        if *self.gate.borrow() == at {
            self.waiting.fetch_add(1, Ordering::SeqCst);
            let opened = self.gate.subscribe().wait_for(|stop| *stop == Stop::Nowhere).await.is_ok();
            assert!(opened, "the gate outlives who waits at it");
        }
    }

    /// Waits until a write is at the gate.
    async fn is_reached(&self) {
        until("a write is at the gate", async || self.waiting.load(Ordering::SeqCst) > 0).await;
    }
}

impl Store for Gated {
    async fn load(&self, key: &Key) -> Result<Option<(Version, bytes::Bytes)>, Error> {
        Store::load(&self.inner, key).await
    }

    async fn swap(&self, key: &Key, expected: Option<Version>, value: Vec<u8>, ttl: Duration) -> Result<bool, Error> {
        self.wait(Stop::BeforeIt).await;
        let swapped = Store::swap(&self.inner, key, expected, value, ttl).await;
        self.wait(Stop::AfterIt).await;
        swapped
    }
}

const PATIENCE: Duration = Duration::from_secs(20);

/// T85: a server that is asked to stop while an approval is being spent takes the request to its handler, and then ends.
#[tokio::test]
async fn t85_a_graceful_stop_ends_what_was_begun() {
    for stop in [Stop::BeforeIt, Stop::AfterIt] {
        let store = Gated::new();
        let bench = bench_with(|builder| builder.store(store.clone()).store_timeout(PATIENCE)).await;
        let ask = get("/pay").navigating();
        let mut ada = bench.visitor("ada");
        bench.approve(&mut ada, &ask).await;
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stopping, mut stopped) = watch::channel(false);
        let served = bench.app.clone();
        let server = tokio::spawn(async move {
            let asked = async move { drop(stopped.wait_for(|is_stopped| *is_stopped).await) };
            axum::serve(listener, served).with_graceful_shutdown(asked).await
        });
        store.gate.send_replace(stop);
        let mut socket = TcpStream::connect(address).await.unwrap();
        let cookie = ada.cookie.clone().unwrap();
        let text =
            format!("GET /pay HTTP/1.1\r\nhost: app\r\nx-user: ada\r\ncookie: {cookie}\r\naccept: text/html\r\n\r\n");
        socket.write_all(text.as_bytes()).await.unwrap();
        store.is_reached().await;
        stopping.send_replace(true);
        store.gate.send_replace(Stop::Nowhere);
        let mut answer = String::new();
        tokio::time::timeout(PATIENCE, socket.read_to_string(&mut answer)).await.unwrap().unwrap();
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        tokio::time::timeout(PATIENCE, server).await.expect("it ends").unwrap().unwrap();
        assert_eq!(bench.effects.count(), 1, "{stop:?}");
        let again = ada.send(&ask).await;
        assert!(matches!(again.status, 303 | 409), "{stop:?}: {}", again.status);
        assert_eq!(bench.effects.count(), 1, "{stop:?}");
    }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

/// T85, T120: a process that ends in the middle of a spend leaves an approval that is as good as before, or a spent one; another
/// process says which, at once, and the handler runs once at most.
#[test]
fn t85_t120_a_process_that_ends_in_the_middle_doubles_nothing() {
    for (stop, passes) in [(Stop::BeforeIt, true), (Stop::AfterIt, false)] {
        let store = Gated::new();
        let clock = clock();
        // The service outlives the process.
        let elsewhere = runtime();
        let emulator = elsewhere.block_on(async { Emulator::builder().clock(clock.clone()).in_process().unwrap() });
        emulator.user("ada").enroll_email_otp("ada@example.com");
        let effects = Effects::default();
        let process = |emulator: Emulator| {
            let authsignal =
                builder_of(emulator.client(), &clock).store(store.clone()).store_timeout(PATIENCE).build().unwrap();
            let app = app(&authsignal, &effects);
            Bench { emulator, clock: clock.clone(), authsignal, effects: effects.clone(), app }
        };
        let ask = get("/pay").navigating();
        let first = runtime();
        let (bench, ada) = first.block_on(async {
            let bench = process(emulator);
            let mut ada = bench.visitor("ada");
            bench.approve(&mut ada, &ask).await;
            store.gate.send_replace(stop);
            let (mut sender, asked) = (ada.clone(), ask.clone());
            tokio::spawn(async move { sender.send(&asked).await });
            store.is_reached().await;
            (bench, ada)
        });
        drop(first);
        store.gate.send_replace(Stop::Nowhere);
        assert_eq!(effects.count(), 0, "{stop:?}: nothing runs after the end");
        runtime().block_on(async {
            let other = process(bench.emulator);
            let mut ada = crate::support::Visitor { app: other.app.clone(), ..ada };
            let again = tokio::time::timeout(PATIENCE, ada.send(&ask)).await.expect("it is answered");
            assert_eq!(again.status == 200, passes, "{stop:?}: {}", again.status);
            assert!(passes || matches!(again.status, 303 | 409), "{stop:?}: {}", again.status);
            assert_eq!(effects.count(), usize::from(passes), "{stop:?}");
            // And whoever begins anew gets through.
            clock.advance(Duration::from_secs(11));
            other.approve(&mut ada, &ask).await;
            ada.send(&ask).await.assert_passed();
            assert_eq!(effects.count(), usize::from(passes) + 1, "{stop:?}");
        });
    }
}
