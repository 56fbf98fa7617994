//! The way to the store of one node: slow, and sometimes a call is lost, late or doubled.
use std::sync::Arc;
use std::time::Duration;

use axum_authsignal::store::{Error, Key, MemoryStore, Store, Version};
use bytes::Bytes;

use super::setting::Life;
use super::setting::Simulation;

/// How a store is broken on purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Broken {
    /// It writes whatever version is there.
    NoVersion,
    /// It drops records before they have run out, to have room.
    Evicts,
}

impl Broken {
    pub(super) const ALL: [Self; 2] = [Self::NoVersion, Self::Evicts];

    /// What is found of it.
    pub(super) fn breaks(self) -> &'static str {
        match self {
            Self::NoVersion => "twice",
            Self::Evicts => "revoked",
        }
    }
}

/// What one node has of the store that all share.
#[derive(Clone)]
pub(super) struct Link {
    pub(super) simulation: Arc<Simulation>,
    pub(super) node: usize,
    pub(super) life: Life,
}

impl std::fmt::Debug for Link {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Link")
    }
}

fn lost() -> Error {
    Error::unavailable("no answer")
}

impl Link {
    fn inner(&self) -> &MemoryStore {
        &self.simulation.records
    }

    /// Some way of the wire. Here a process dies.
    async fn pass(&self) {
        self.simulation.sleep(Duration::from_millis(20)).await;
        if self.simulation.happens("a process died", self.simulation.chances.crash) {
            self.simulation.restart(self.node, &self.life);
        }
        self.life.go_on().await;
    }

    async fn write(&self, key: &Key, expected: Option<Version>, value: Vec<u8>, ttl: Duration) -> Result<bool, Error> {
        let is_blind = self.simulation.broken == Some(Broken::NoVersion) || self.simulation.is_evicted(key, false);
        let expected = match is_blind {
            true => Store::load(self.inner(), key).await?.map(|(version, _)| version),
            false => expected,
        };
        let wrote = Store::swap(self.inner(), key, expected, value, ttl).await?;
        self.simulation.written(key);
        Ok(wrote)
    }

    /// The same write, some time later.
    fn write_later(&self, key: &Key, expected: Option<Version>, value: &[u8], ttl: Duration) {
        let (link, key, value) = (self.clone(), *key, value.to_vec());
        tokio::spawn(async move {
            link.simulation.sleep(Duration::from_secs(3)).await;
            if let Ok(true) = link.write(&key, expected, value, ttl).await {
                link.simulation.count("a late write was carried out");
            }
        });
    }
}

impl Store for Link {
    async fn load(&self, key: &Key) -> Result<Option<(Version, Bytes)>, Error> {
        self.pass().await;
        if self.simulation.happens("a load was lost", self.simulation.chances.fault) {
            return Err(lost());
        }
        if self.simulation.is_evicted(key, self.simulation.broken == Some(Broken::Evicts)) {
            return Ok(None);
        }
        let loaded = Store::load(self.inner(), key).await;
        self.pass().await;
        loaded
    }

    async fn swap(&self, key: &Key, expected: Option<Version>, value: Vec<u8>, ttl: Duration) -> Result<bool, Error> {
        self.pass().await;
        let fault = self.simulation.chances.fault;
        if self.simulation.happens("a write never arrived", fault) {
            return Err(lost());
        }
        if self.simulation.happens("a write was given up and came later", fault / 2) {
            self.write_later(key, expected, &value, ttl);
            return Err(lost());
        }
        if self.simulation.happens("a write hung until it was given up", fault / 2) {
            self.write_later(key, expected, &value, ttl);
            std::future::pending::<()>().await;
        }
        if self.simulation.happens("a write came once more", fault / 2) {
            self.write_later(key, expected, &value, ttl);
        }
        let wrote = self.write(key, expected, value, ttl).await;
        self.pass().await;
        if self.simulation.happens("the answer to a write was lost", fault) {
            return Err(lost());
        }
        wrote
    }
}
