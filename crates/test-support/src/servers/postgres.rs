//! PostgreSQL: one server, with its data in a folder of its own. Needs its binaries; as root, it runs as the user `postgres`.
use std::path::PathBuf;
use std::process::Command;

use super::server::{Server, folder, free_port, listens, wait_until};

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

/// What changes from root, as which PostgreSQL does not run.
fn user() -> &'static [&'static str] {
    let id = Command::new("id").arg("-u").output().expect("id");
    if id.stdout == b"0\n" { &["runuser", "-u", "postgres", "--"] } else { &[] }
}

impl Postgres {
    pub fn start() -> Self {
        let (port, folder, programs) = (free_port(), folder("postgres"), programs());
        let data = folder.join("data").display().to_string();
        let of = |name: &str| programs.join(name).display().to_string();
        let mut init = user().iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
        init.extend([of("initdb"), "-D".to_owned(), data.clone(), "-U".to_owned(), "postgres".to_owned()]);
        init.extend(["-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync"].map(str::to_owned));
        let output = Command::new(&init[0]).args(&init[1..]).current_dir("/").output().expect("initdb");
        assert!(output.status.success(), "{init:?}: {}", String::from_utf8_lossy(&output.stderr));
        let mut command = vec![of("postgres"), "-D".to_owned(), data, "-p".to_owned(), port.to_string()];
        for setting in ["listen_addresses=127.0.0.1", "unix_socket_directories=", "max_connections=200"] {
            command.extend(["-c".to_owned(), setting.to_owned()]);
        }
        // SIGQUIT ends every process of it at once and writes nothing, as a crash would.
        let mut server = Server::start(user(), &folder, "QUIT", &command);
        wait_until("PostgreSQL listens", || {
            server.assert_runs();
            listens(port)
        });
        let postgres = Self { server, port };
        postgres.wait();
        postgres
    }

    fn wait(&self) {
        let ready = programs().join("pg_isready");
        let port = self.port.to_string();
        wait_until("PostgreSQL answers", || {
            Command::new(&ready)
                .args(["-h", "127.0.0.1", "-p", &port, "-q"])
                .status()
                .is_ok_and(|status| status.success())
        });
    }

    pub fn url(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}/postgres", self.port)
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
