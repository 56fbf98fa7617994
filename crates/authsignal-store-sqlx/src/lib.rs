//! Stores for [`axum-authsignal`](axum_authsignal) in PostgreSQL and SQLite, by [`sqlx`].
//!
//! With PostgreSQL several nodes share their flows: a challenge that one node began comes back at another, and a third spends the
//! approval, once. SQLite is for one machine whose flows outlive a restart.
//!
#![cfg_attr(feature = "postgres", doc = "```no_run")]
#![cfg_attr(not(feature = "postgres"), doc = "```ignore")]
//! use axum::http::HeaderMap;
//! use authsignal_store_sqlx::PostgresStore;
//! use axum_authsignal::{Authsignal, Client, User};
//! use std::time::Duration;
//!
//! # async fn build() -> Result<(), Box<dyn std::error::Error>> {
//! let pool = sqlx::PgPool::connect("postgres://app@db.internal/app").await?; // The application's own, most often.
//! let store = PostgresStore::new(pool);
//! store.migrate().await?;
//! tokio::spawn(store.clone().delete_expired_every(Duration::from_secs(60)));
//!
//! let authsignal = Authsignal::builder(Client::from_env()?)
//!     .callback_url("https://shop.example.com/callback")
//!     .identify(|_: HeaderMap| async { User::new("ada") }) // Yours: the session's user.
//!     .store(store)
//!     .build()?;
//! # Ok(())
//! # }
//! ```
//!
//! # The table
//!
//! All is in one table, `authsignal_records`, which `migrate` makes if it is not there: no other table is touched, those of sqlx'
//! own migrations neither. Who runs migrations of their own takes the SQL from `POSTGRES_MIGRATION` or `SQLITE_MIGRATION`. A later
//! layout will have another table, so that a record of a newer version is absent, never misread.
//!
//! # How records are kept
//!
//! A write is one statement, which compares the version; versions are 64 random bits, and none is given out twice. Records end by
//! the clock of the database: PostgreSQL's, whatever the nodes' clocks say, or that of the machine that SQLite runs on. What has
//! ended is not read any more, and goes once `delete_expired` is called.
//!
//! # What the database has to be
//!
//! `fsync` and `synchronous_commit` on, as they are by default, where not one approval may be spent twice: the first call looks, as
//! `check` does, and warns in the log. A failover to a standby that was not synchronous forgets what it had not received, and with
//! it that an approval was spent. A standby is refused, reads too, and the connection that led there is closed. See
//! `docs/stores.md` of the repository for what was measured.
//!
//! A call that the layer gives up after its `store_timeout` is dropped. A pool that hands out connections slower than that
//! (`acquire_timeout` is 30 seconds by default) counts as a store that does not answer.
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(all(doctest, feature = "postgres"))]
#[doc = include_str!("../README.md")]
struct Readme;

#[cfg(feature = "postgres")]
mod postgres;
#[cfg(any(feature = "postgres", feature = "sqlite"))]
mod record;
#[cfg(feature = "sqlite")]
mod sqlite;

#[cfg(feature = "postgres")]
#[cfg_attr(docsrs, doc(cfg(feature = "postgres")))]
pub use postgres::{POSTGRES_MIGRATION, PostgresStore};
#[cfg(feature = "sqlite")]
#[cfg_attr(docsrs, doc(cfg(feature = "sqlite")))]
pub use sqlite::{SQLITE_MIGRATION, SqliteStore};
pub use sqlx;
