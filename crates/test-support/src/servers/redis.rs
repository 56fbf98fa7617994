//! Redis: one server, a cluster of three, and a master with its replica and Sentinel. Needs `redis-server` and `redis-cli`.
use std::process::Command;

use super::server::{Server, folder, free_port};
use crate::waiting::until_blocking;

/// A Redis of the test's own.
pub struct Redis {
    server: Server,
    pub port: u16,
}

impl Redis {
    /// With nothing kept on disk.
    pub fn start() -> Self {
        Self::with(&["--save", "", "--appendonly", "no"])
    }

    /// With its append-only file written as `appendfsync` says.
    pub fn persistent(appendfsync: &str) -> Self {
        Self::with(&["--save", "", "--appendonly", "yes", "--appendfsync", appendfsync])
    }

    /// With these settings.
    pub fn with(settings: &[&str]) -> Self {
        let redis = Self::begin(settings);
        redis.wait();
        redis
    }

    fn begin(settings: &[&str]) -> Self {
        let (port, folder) = (free_port(), folder("redis"));
        std::fs::create_dir_all(&folder).expect("a folder");
        let mut command = vec!["redis-server".to_owned()];
        if settings.contains(&"--sentinel") {
            // Sentinel writes down what it learns.
            let file = folder.join("sentinel.conf");
            std::fs::write(&file, "").expect("a file");
            command.push(file.display().to_string());
        }
        let own = ["--port", &port.to_string(), "--bind", "127.0.0.1", "--dir", &folder.display().to_string()];
        command.extend(own.into_iter().chain(settings.iter().copied()).map(str::to_owned));
        Self { server: Server::start(&[], &folder, "KILL", &command), port }
    }

    fn wait(&self) {
        until_blocking("Redis answers", || {
            let said = self.cli(&["PING"]);
            said.trim() == "PONG" || said.starts_with("NOAUTH")
        });
    }

    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/", self.port)
    }

    /// What `redis-cli` says to a command.
    pub fn cli(&self, command: &[&str]) -> String {
        let mut cli = Command::new("redis-cli");
        let output = cli.args(["-p", &self.port.to_string()]).args(command).output().expect("redis-cli is installed");
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// What is in its files.
    pub fn files(&self) -> Vec<u8> {
        self.server.files()
    }

    /// Kills it by SIGKILL.
    pub fn kill(&mut self) {
        self.server.kill();
    }

    /// How much is in its append-only file.
    pub fn log_length(&self) -> u64 {
        std::fs::metadata(self.log_file()).expect("an append-only file").len()
    }

    /// Kills it and cuts its append-only file off, as a power cut does with what was not yet on the disk.
    pub fn lose_log_after(&mut self, length: u64) {
        self.kill();
        let file = std::fs::File::options().write(true).open(self.log_file()).expect("an append-only file");
        file.set_len(length).expect("it is cut off");
    }

    fn log_file(&self) -> std::path::PathBuf {
        self.server.folder.join("appendonlydir/appendonly.aof.1.incr.aof")
    }

    /// Starts it again with the files that it left, and waits until it answers.
    pub fn start_again(&mut self) {
        self.server.start_again();
        self.wait();
    }
}

/// Three masters that share the slots.
pub struct Cluster(pub Vec<Redis>);

impl Cluster {
    pub fn start() -> Self {
        let node = |_| {
            let bus = free_port();
            let settings = ["--save", "", "--cluster-enabled", "yes", "--cluster-port", &bus.to_string()];
            (Redis::begin(&settings), bus)
        };
        let nodes: Vec<(Redis, u16)> = (0..3).map(node).collect();
        let (first, bus) = (&nodes[0].0, nodes[0].1.to_string());
        for ((node, _), (number, slots)) in
            nodes.iter().zip([(1, [0, 5_460]), (2, [5_461, 10_922]), (3, [10_923, 16_383])])
        {
            node.wait();
            let [from, to] = slots.map(|slot: u32| slot.to_string());
            node.cli(&["CLUSTER", "SET-CONFIG-EPOCH", &number.to_string()]);
            node.cli(&["CLUSTER", "ADDSLOTSRANGE", &from, &to]);
            if node.port != first.port {
                node.cli(&["CLUSTER", "MEET", "127.0.0.1", &first.port.to_string(), &bus]);
            }
        }
        for (node, _) in &nodes {
            let is_whole = || {
                let info = node.cli(&["CLUSTER", "INFO"]);
                info.contains("cluster_state:ok")
                    && info.contains("cluster_known_nodes:3")
                    && info.contains("cluster_size:3")
            };
            until_blocking("the cluster is whole", is_whole);
        }
        Self(nodes.into_iter().map(|(node, _)| node).collect())
    }

    pub fn urls(&self) -> Vec<String> {
        self.0.iter().map(Redis::url).collect()
    }
}

/// A master named `flows`, a replica, and a Sentinel that watches them.
pub struct Watched {
    pub master: Redis,
    pub replica: Redis,
    pub sentinel: Redis,
}

impl Watched {
    pub fn start() -> Self {
        let master = Redis::start();
        let of = ["--save", "", "--replicaof", "127.0.0.1", &master.port.to_string()].map(str::to_owned);
        let replica = Redis::with(&of.each_ref().map(String::as_str));
        until_blocking("the replica follows", || {
            replica.cli(&["INFO", "replication"]).contains("master_link_status:up")
        });
        let monitor = ["flows", "127.0.0.1", &master.port.to_string(), "1"].map(str::to_owned);
        let sentinel = Redis::with(&["--sentinel"]);
        let said = sentinel.cli(&[&["SENTINEL", "MONITOR"][..], &monitor.each_ref().map(String::as_str)].concat());
        assert_eq!(said.trim(), "OK");
        for (name, value) in [("down-after-milliseconds", "500"), ("failover-timeout", "3000")] {
            sentinel.cli(&["SENTINEL", "SET", "flows", name, value]);
        }
        until_blocking("Sentinel knows the replica", || {
            sentinel.cli(&["SENTINEL", "REPLICAS", "flows"]).contains(&replica.port.to_string())
        });
        Self { master, replica, sentinel }
    }

    /// Kills the master, and waits until the replica is one.
    pub fn fail_over(&mut self) {
        self.master.kill();
        until_blocking("the replica is the master", || self.replica.cli(&["ROLE"]).starts_with("master"));
    }
}
