//! A server that can be killed and started again, and that ends when whoever started it is gone.
use std::io::Write as _;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use crate::waiting::until_blocking;

/// Starts the rest of its arguments and obeys what it is told; when its input ends, it cleans up. So a server that a `static`
/// of a test holds ends as well.
const SUPERVISOR: &str = r#"
    folder=$1 signal=$2
    shift 2
    "$@" <&- & server=$!
    while read -r word; do
        case $word in
            kill) kill -s "$signal" $server; wait $server; : > "$folder/killed" ;;
            start) "$@" <&- & server=$! ;;
        esac
    done
    kill -s "$signal" $server
    wait $server
    rm -rf "$folder"
"#;

pub(super) struct Server {
    supervisor: Child,
    pub(super) folder: PathBuf,
}

/// A port that nobody listens at.
pub(super) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a free port").port()
}

/// The name of a folder that is nobody's.
pub(super) fn folder(name: &str) -> PathBuf {
    folder_in(&std::env::temp_dir(), name)
}

/// The same, there.
pub(super) fn folder_in(parent: &Path, name: &str) -> PathBuf {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    parent.join(format!("authsignal-{name}-{}-{number}", std::process::id()))
}

impl Server {
    /// Runs `command`, whose files are in `folder`, by `prefix`, which may change the user. `signal` is how it is killed.
    pub(super) fn start(prefix: &[&str], folder: &Path, signal: &str, command: &[String]) -> Self {
        let words = prefix.iter().copied().chain(["sh", "-c", SUPERVISOR, "supervisor"]).collect::<Vec<_>>();
        let mut supervisor = Command::new(words[0]);
        supervisor.args(&words[1..]).arg(folder).arg(signal).args(command);
        let log = std::fs::File::create(folder.join("supervisor.log")).expect("a log");
        supervisor.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(log);
        let supervisor = supervisor.spawn().expect("a shell");
        Self { supervisor, folder: folder.to_owned() }
    }

    fn tell(&mut self, word: &str) {
        let input = self.supervisor.stdin.as_mut().expect("it is piped");
        writeln!(input, "{word}").expect("its supervisor listens");
    }

    /// Kills it, and waits until it is gone.
    pub(super) fn kill(&mut self) {
        self.tell("kill");
        let killed = self.folder.join("killed");
        until_blocking("the server is gone", || killed.exists());
        let _ = std::fs::remove_file(killed);
    }

    /// Starts it again, with the files that it left.
    pub(super) fn start_again(&mut self) {
        self.tell("start");
    }

    /// What is in its files, one after the other, with their names.
    pub(super) fn files(&self) -> Vec<u8> {
        fn read(folder: &Path, found: &mut Vec<u8>) {
            for entry in std::fs::read_dir(folder).expect("a folder").flatten() {
                let path = entry.path();
                if path.is_dir() {
                    read(&path, found);
                } else if let Ok(bytes) = std::fs::read(&path) {
                    found.extend(path.as_os_str().as_encoded_bytes());
                    found.extend(bytes);
                }
            }
        }
        let mut found = Vec::new();
        read(&self.folder, &mut found);
        found
    }

    /// Whether its supervisor runs.
    pub(super) fn assert_runs(&mut self) {
        let log = || std::fs::read_to_string(self.folder.join("supervisor.log")).unwrap_or_default();
        assert!(self.supervisor.try_wait().expect("a child").is_none(), "the server did not start: {}", log());
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.supervisor.stdin.take());
        let _ = self.supervisor.wait();
    }
}

/// Whether something listens there.
pub(super) fn listens(port: u16) -> bool {
    TcpStream::connect(("127.0.0.1", port)).is_ok()
}
