//! The processes that a test needs; they end with it, also when it panics.
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::PATIENCE;
use crate::waiting::{end_of, read_from};

/// How often a driver is started that ends by itself.
const MAX_TRIES: usize = 5;

/// The repository.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).expect("this stands two folders below it").to_owned()
}

/// A process that says on its standard output where it listens.
struct Listening {
    child: Child,
    /// Kept open: a process that writes to a closed pipe dies of it.
    _stdout: BufReader<ChildStdout>,
    found: String,
}

impl Listening {
    fn start(command: &mut Command, found: impl Fn(&str) -> Option<&str> + Send + 'static) -> Self {
        Self::try_start(command, found).unwrap_or_else(|ended| panic!("{command:?} ended: {ended}"))
    }

    /// Fails with how the process ended, if it says nothing of the kind before.
    fn try_start(
        command: &mut Command,
        found: impl Fn(&str) -> Option<&str> + Send + 'static,
    ) -> Result<Self, ExitStatus> {
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().expect("the program is installed");
        let (found, stdout) = read_from(&mut child, move |stdout| {
            let mut lines = stdout.lines().map(|line| line.unwrap());
            lines.find_map(|line| found(&line).map(str::to_owned))
        });
        match found {
            Some(found) => Ok(Self { found, child, _stdout: stdout }),
            None => Err(end_of(&mut child)),
        }
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The quick start, built as the README says, in a process of its own.
pub struct QuickStart(Listening);

impl QuickStart {
    pub fn open() -> Self {
        static BUILT: LazyLock<PathBuf> = LazyLock::new(|| {
            // What `cargo run --example quickstart` does first. It says where it has put the program.
            let mut build = Command::new(env!("CARGO"));
            build.args([
                "build",
                "--quiet",
                "-p",
                "axum-authsignal",
                "--example",
                "quickstart",
                "--message-format",
                "json",
            ]);
            let output = build.current_dir(root()).stderr(Stdio::inherit()).output().unwrap();
            assert!(output.status.success(), "{build:?}: {}", output.status);
            let messages =
                output.stdout.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice(line).ok());
            let mut programs = messages.filter_map(|message: Value| Some(message["executable"].as_str()?.into()));
            programs.next().expect("cargo names the program")
        });
        let mut command = Command::new(&*BUILT);
        for name in ["PORT", "AUTHSIGNAL_API_SECRET_KEY", "AUTHSIGNAL_SECRET_KEY", "AUTHSIGNAL_API_URL"] {
            command.env_remove(name);
        }
        Self(Listening::start(&mut command, |line| line.strip_prefix("The bank is open: ")))
    }

    /// The one URL that it prints.
    pub fn url(&self) -> &str {
        &self.0.found
    }
}

/// An nginx with a folder of its own; it ends with the test.
pub struct Nginx {
    child: Child,
    pub folder: PathBuf,
    pub port: u16,
}

impl Nginx {
    /// With the configuration for a port. Relative paths in it are in the folder.
    pub fn start(configuration: impl Fn(u16) -> String) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let folder = format!("nginx-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let folder = std::env::temp_dir().join(folder);
        std::fs::create_dir_all(&folder).unwrap();
        loop {
            // Free by now; where somebody else is faster, nginx ends and another is taken.
            let port = TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port();
            std::fs::write(folder.join("nginx.conf"), configuration(port)).unwrap();
            let path = format!("{}:/usr/sbin", std::env::var("PATH").unwrap());
            let mut command = Command::new("nginx");
            command.env("PATH", path).args([
                "-e",
                "stderr",
                "-g",
                "daemon off; master_process off;",
                "-c",
                "nginx.conf",
            ]);
            let mut child = command.arg("-p").arg(&folder).stdin(Stdio::null()).spawn().expect("nginx is installed");
            let begun = Instant::now();
            while child.try_wait().unwrap().is_none() {
                if TcpStream::connect(("127.0.0.1", port)).is_ok() {
                    return Self { child, folder, port };
                }
                assert!(begun.elapsed() < PATIENCE, "nginx does not listen");
                std::thread::sleep(Duration::from_millis(10));
            }
            assert!(begun.elapsed() < PATIENCE, "nginx does not start");
        }
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// A chromedriver with a profile of its own.
pub struct Driver {
    listening: Listening,
    pub profile: PathBuf,
    pub session: Option<String>,
}

impl Driver {
    pub fn start() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let profile = format!("authsignal-profile-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let profile = std::env::temp_dir().join(profile);
        // The port that it is given for one protocol may be taken for the other: it ends then, and is given another.
        let tries = (0..MAX_TRIES).map(|_| {
            Listening::try_start(Command::new("chromedriver").arg("--port=0"), |line| {
                line.strip_prefix("ChromeDriver was started successfully on port ")?.strip_suffix('.')
            })
        });
        let ended = |ended: Result<_, _>| ended.inspect_err(|ended| eprintln!("chromedriver ended: {ended}")).ok();
        let listening = tries.filter_map(ended).next().expect("chromedriver starts");
        Self { listening, profile, session: None }
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.listening.found)
    }

    /// Ends the browser, which would outlive its driver. Without a runtime, since a panic may be on its way.
    fn end_session(&self) -> std::io::Result<()> {
        let Some(session) = &self.session else { return Ok(()) };
        let address = format!("127.0.0.1:{}", self.listening.found);
        let mut stream = TcpStream::connect(&address)?;
        stream.set_read_timeout(Some(Duration::from_secs(10)))?;
        write!(stream, "DELETE /session/{session} HTTP/1.1\r\nHost: {address}\r\n\r\n")?;
        // It answers once the browser has ended, and keeps the connection open.
        stream.read(&mut [0; 1024]).map(drop)
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        let _ = self.end_session();
        let _ = std::fs::remove_dir_all(&self.profile);
    }
}
