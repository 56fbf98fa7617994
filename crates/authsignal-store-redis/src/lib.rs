//! A store for [`axum-authsignal`](axum_authsignal) in Redis, so that several nodes share their flows: a challenge that one
//! node began comes back at another, and a third spends the approval, once.
//!
//! ```no_run
//! use axum::http::HeaderMap;
//! use authsignal_store_redis::RedisStore;
//! use axum_authsignal::{Authsignal, Client, User};
//!
//! # fn build() -> Result<(), Box<dyn std::error::Error>> {
//! let store = RedisStore::new("redis://127.0.0.1/")?;
//! let authsignal = Authsignal::builder(Client::from_env()?)
//!     .callback_url("https://shop.example.com/callback")
//!     .identify(|_: HeaderMap| async { User::new("ada") }) // Yours: the session's user.
//!     .store(store)
//!     .build()?;
//! # Ok(())
//! # }
//! ```
//!
//! # Which connection
//!
//! | what you have | how |
//! |---|---|
//! | one server | [`RedisStore::new`] with its URL, or [`RedisStore::from_client`] |
//! | Sentinel | `RedisStore::from_sentinel`, feature `sentinel` |
//! | a cluster | `RedisStore::from_cluster`, feature `cluster` |
//! | a connection of your own that can be cloned | [`RedisStore::over`] |
//! | a pool (deadpool, bb8) | [`RedisStore::from_pool`] |
//! | `rediss://` | feature `tls`; rustls takes the `CryptoProvider` that the application has installed, or the only one there is |
//!
//! The types of the crate [`redis`] that are taken here are those of its version 1, which this crate hands on.
//!
//! # How records are kept
//!
//! Each record is one string under `authsignal:1:` and its key ([`prefix`](RedisStore::prefix)), so it lives in one slot of a
//! cluster: 8 random bytes, which are the version of this very write, and what the layer has sealed. It is read by `GET` and
//! written by one script, which compares the version. Since a version is never given out twice, a write whose answer was lost
//! is asked for again and known by its version; that goes on until [`timeout`](RedisStore::timeout).
//!
//! Times to live are kept by Redis, by its own clock. A record of another layout has another key, and is absent.
//!
//! # What Redis has to be
//!
//! The first call looks how Redis is set up, and so does [`RedisStore::check`]; what is wrong is in the log:
//!
//! - `maxmemory-policy noeviction`: with any other, Redis drops approvals and counts that are still good when its memory is full.
//! - `appendonly yes`, with `appendfsync always` where not one approval may be spent twice: with `everysec` a crash of Redis can
//!   forget its last second, and so a spend; with snapshots alone it forgets all since the last one.
//!
//! A failover forgets what the old master had not yet replicated, whatever is set. See `docs/stores.md` of the repository for what
//! was measured.
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

mod check;
mod config;
mod fault;
mod link;
mod source;
mod store;

pub use config::ConfigError;
pub use redis;
pub use store::RedisStore;
