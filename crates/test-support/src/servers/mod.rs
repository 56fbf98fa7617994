//! Databases that a test starts for itself, on free ports of loopback. They end with the test's process, however that ends.
pub mod lossy;
pub mod postgres;
pub mod redis;
mod server;

pub use lossy::Proxy;
pub use postgres::Postgres;
pub use redis::Redis;
