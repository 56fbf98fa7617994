//! PostgreSQL: a server, with its data in a folder of its own, and a standby of it. Needs its binaries; as root, it runs as the user `postgres`.
use std::path::{Path, PathBuf};
use std::process::Command;

use super::server::{Server, folder_in, free_port, listens};
use crate::waiting::until_blocking;

/// A PostgreSQL of the test's own, which lets in whoever comes as `postgres`.
pub struct Postgres {
    server: Server,
    pub port: u16,
}

/// Where the newest version's programs are.
fn programs() -> PathBuf {
    let versions = std::fs::read_dir("/usr/lib/postgresql").expect("PostgreSQL is installed");
    let programs = versions.flatten().map(|version| version.path().join("bin"));
    programs.filter(|folder| folder.join("initdb").exists()).max().expect("PostgreSQL is installed")
}

/// Where its files go: into memory where there is room. Its processes are killed here, never its machine, so nothing is lost by
/// that; and a server that was killed writes all its files to their disk when it starts, for longer on a busy one than what was
/// spent just before may wait to be given back.
fn roomy() -> PathBuf {
    let free = Command::new("df").args(["-k", "--output=avail", "/dev/shm"]).output();
    let kilobytes =
        free.ok().and_then(|free| String::from_utf8_lossy(&free.stdout).lines().nth(1)?.trim().parse().ok());
    if kilobytes.is_some_and(|kilobytes: u64| kilobytes > 4 << 20) { "/dev/shm".into() } else { std::env::temp_dir() }
}

/// What changes from root, as which PostgreSQL does not run.
fn user() -> &'static [&'static str] {
    let id = Command::new("id").arg("-u").output().expect("id");
    if id.stdout == b"0\n" { &["runuser", "-u", "postgres", "--"] } else { &[] }
}

/// Runs one of its programs to its end.
fn run(program: &str, arguments: &[&str]) {
    let program = programs().join(program).display().to_string();
    let words = [user(), &[program.as_str()], arguments].concat();
    let output = Command::new(words[0]).args(&words[1..]).current_dir("/").output().expect(words[0]);
    assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// Where whoever listens at a port of loopback is found, as a pool wants it.
pub fn url_at(port: u16) -> String {
    format!("postgres://postgres@127.0.0.1:{port}/postgres")
}

impl Postgres {
    pub fn start() -> Self {
        Self::with(&[])
    }

    /// With these settings.
    pub fn with(settings: &[&str]) -> Self {
        let folder = folder_in(&roomy(), "postgres");
        let data = folder.join("data").display().to_string();
        run("initdb", &["-D", &data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync"]);
        Self::open(&folder, settings)
    }

    /// A standby with a copy of what is here, which is named `standby` and follows by what listens at `link`.
    #[must_use]
    pub fn standby(&self, link: u16) -> Self {
        let folder = folder_in(&roomy(), "standby");
        let (data, port) = (folder.join("data").display().to_string(), self.port.to_string());
        let from = ["-h", "127.0.0.1", "-p", &port, "-U", "postgres"];
        run("pg_basebackup", &[&from[..], &["-D", &data, "-R", "-c", "fast", "--no-sync"]].concat());
        let primary = format!("primary_conninfo=host=127.0.0.1 port={link} user=postgres application_name=standby");
        // A link that says nothing more is no reason to ask for another one, for as long as a test takes.
        let standby = Self::open(&folder, &[&primary, "wal_receiver_timeout=0"]);
        until_blocking("the standby follows", || {
            self.sql("SELECT state FROM pg_stat_replication WHERE application_name = 'standby'").trim() == "streaming"
        });
        standby
    }

    fn open(folder: &Path, settings: &[&str]) -> Self {
        let (port, data) = (free_port(), folder.join("data").display().to_string());
        let program = programs().join("postgres").display().to_string();
        let mut command = vec![program, "-D".to_owned(), data, "-p".to_owned(), port.to_string()];
        let own = ["listen_addresses=127.0.0.1", "unix_socket_directories=", "max_connections=200"];
        for setting in own.iter().chain(settings) {
            command.extend(["-c".to_owned(), (*setting).to_owned()]);
        }
        // SIGQUIT ends every process of it at once and writes nothing, as a crash would.
        let mut server = Server::start(user(), folder, "QUIT", &command);
        until_blocking("PostgreSQL listens", || {
            server.assert_runs();
            listens(port)
        });
        let postgres = Self { server, port };
        postgres.wait();
        postgres
    }

    /// Makes a primary of a standby.
    pub fn promote(&self) {
        assert_eq!(self.sql("SELECT pg_promote()").trim(), "t", "it is promoted");
    }

    /// Waits until a standby has what is here.
    pub fn wait_for(&self, standby: &Self) {
        let here = self.sql("SELECT pg_current_wal_lsn()");
        let is_there = format!("SELECT pg_last_wal_replay_lsn() >= '{}'", here.trim());
        until_blocking("the standby has it", || standby.sql(&is_there).trim() == "t");
    }

    fn wait(&self) {
        let ready = programs().join("pg_isready");
        let port = self.port.to_string();
        until_blocking("PostgreSQL answers", || {
            Command::new(&ready)
                .args(["-h", "127.0.0.1", "-p", &port, "-q"])
                .status()
                .is_ok_and(|status| status.success())
        });
    }

    pub fn url(&self) -> String {
        url_at(self.port)
    }

    /// What it answers to a statement.
    pub fn sql(&self, statement: &str) -> String {
        let mut psql = Command::new(programs().join("psql"));
        let output = psql.args(["-At", "-c", statement, &self.url()]).output().expect("psql");
        assert!(output.status.success(), "{statement}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// What is in its files: tables, and the log ahead of them.
    pub fn files(&self) -> Vec<u8> {
        self.server.files()
    }

    /// Ends all of it at once, as a crash does.
    pub fn kill(&mut self) {
        self.server.kill();
    }

    /// Starts it again with the files that it left, and waits until it answers.
    pub fn start_again(&mut self) {
        self.server.start_again();
        self.wait();
    }
}
