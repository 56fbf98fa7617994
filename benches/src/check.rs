//! Whether all peers do the same: what is compared has to be one thing.
use std::io::{self, Read as _, Write as _};
use std::net::TcpStream;

use crate::app::Peer;
use crate::process::Server;
use crate::stub;

/// The status of a request of somebody's.
fn status(address: &str) -> io::Result<u16> {
    let mut stream = TcpStream::connect(address)?;
    let head = "POST /withdraw HTTP/1.1\r\nhost: localhost:3000\r\nx-user: ada\r\nuser-agent: check/1\r\naccept: text/html\r\n\
                content-type: application/json\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}";
    stream.write_all(head.as_bytes())?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    answer.get(9..12).and_then(|status| status.parse().ok()).ok_or_else(|| io::Error::other(answer))
}

pub fn run() -> io::Result<bool> {
    let mut is_right = true;
    for peer in [Peer::Ours, Peer::OursHyper, Peer::ByHand, Peer::Floor] {
        for (action, expected) in [("allow", 200), ("block", 403), ("challenge", 303)] {
            let stub = Server::stub()?;
            let server = Server::peer(peer, &stub, action)?;
            let (status, calls) = (status(&server.address)?, stub::ask(&stub.address, "/__calls")?);
            let is_same = status == expected && calls == 1;
            println!("{} {:10} {action:10} {status}, {calls} call", if is_same { "ok " } else { "BAD" }, peer.name());
            is_right &= is_same;
        }
    }
    Ok(is_right)
}
