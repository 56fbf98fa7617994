//! The client against real sockets: every byte of every answer is written by the test.
mod calls;
mod canary;
mod faults;
mod hedging;
mod http2;
mod machine;
mod offline;
mod others;
mod repeats;
mod support;
mod surrogates;
mod through;
mod tls;
mod user_ids;

mod walks;
mod wire;
