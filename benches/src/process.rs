//! The processes of a measurement: each is this very program with other arguments, and ends with it.
use std::io::{self, BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use serde::de::DeserializeOwned;

use crate::app::Peer;
use crate::load::{Held, Turn};

/// A server that has said where it listens.
pub struct Server {
    child: Child,
    pub address: String,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// This program with other arguments, on one CPU.
fn command(cpu: &str, arguments: &[&str]) -> io::Result<Command> {
    let mut command = Command::new("taskset");
    command.args(["-c", cpu]).arg(std::env::current_exe()?).args(arguments);
    Ok(command)
}

impl Server {
    fn start(cpu: &str, arguments: &[&str]) -> io::Result<Self> {
        // One worker: what one CPU can do, whatever the machine has.
        let mut command = command(cpu, arguments)?;
        let mut child = command.env("TOKIO_WORKER_THREADS", "1").stdout(Stdio::piped()).spawn()?;
        let mut address = String::new();
        BufReader::new(child.stdout.take().expect("it is piped")).read_line(&mut address)?;
        Ok(Self { child, address: address.trim().to_owned() })
    }

    /// The stand-in for the Server API; it shares a CPU with the load.
    pub fn stub() -> io::Result<Self> {
        Self::start("1", &["stub"])
    }

    /// A guarded application, which has a CPU for itself.
    pub fn peer(peer: Peer, stub: &Self, action: &str) -> io::Result<Self> {
        Self::start("0", &["serve", peer.name(), &format!("http://{}/v1", stub.address), action])
    }

    fn load<T: DeserializeOwned>(&self, kind: &str, path: &str, connections: usize, seconds: f64) -> io::Result<T> {
        let (pid, connections) = (self.child.id().to_string(), connections.to_string());
        let arguments = [kind, &self.address, path, &pid, &connections, &seconds.to_string()];
        let output = command("1", &arguments)?.stderr(Stdio::inherit()).output()?;
        Ok(serde_json::from_slice(&output.stdout)?)
    }

    /// Keeps so many connections busy for so long.
    pub fn turn(&self, path: &str, connections: usize, seconds: f64) -> io::Result<Turn> {
        self.load("load", path, connections, seconds)
    }

    /// Lets so many requests wait at once.
    pub fn hold(&self, path: &str, connections: usize) -> io::Result<Held> {
        self.load("hold", path, connections, 0.0)
    }
}
