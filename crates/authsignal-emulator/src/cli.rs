//! The program `authsignal-emulator`. Its crate has nothing else: here it can be tested.
use std::ffi::OsString;
use std::fmt;
use std::io::{self, Write};
use std::net::IpAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use lexopt::prelude::{Long, Short, ValueExt};
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::config::Config;
use crate::handle::Emulator;
use crate::handle::builder::EmulatorBuilder;
use crate::log::Chain;

/// Where it listens unless it is told.
const PORT: u16 = 4000;

const HELP: &str = "\
A local Authsignal, for tests and for running without an account. Nothing leaves this machine.

Usage: authsignal-emulator [OPTIONS]

      --port PORT        Listen on this port; 0 takes any that is free. Default: 4000
      --host ADDRESS     Listen on this address. Default: 127.0.0.1
      --public-url URL   The origin by which browsers reach it, where that is another one. Default: the name
                         of this machine by which it was asked
      --control-key KEY  Ask for this key under /emulator: as a bearer token, or as a password. Default: none
                         on loopback; with --host or --public-url a random one, which it writes
      --open-control     Ask for no key there: whoever reaches it reads every code and passes every challenge
      --secret SECRET    Take this API secret key. Default: the one in the state file, else a random one
      --config FILE      Set the tenant up as this TOML file says
      --state FILE       Keep the state in this file, which no other emulator may have. Default: in memory,
                         until the end. In a container, mount its folder and not the file alone
      --log LEVEL        Write what goes wrong to stderr: off, error, warn, info, debug, trace. Default: warn
      --open             Open the dashboard in a browser
  -h, --help             Print this
  -V, --version          Print the version

What is set here counts instead of what the configuration file says.

The first line of its output is for programs:
authsignal-emulator base_url=http://127.0.0.1:4000/v1 secret=… dashboard=http://127.0.0.1:4000/emulator

It ends with Ctrl-C or SIGTERM. It fails with 1 when it can't run, with 2 when it is called wrongly.
";

/// What the command line asks for.
#[derive(Debug, PartialEq)]
enum Command {
    Run(Options),
    Help,
    Version,
}

#[derive(Debug, Default, PartialEq)]
struct Options {
    port: Option<u16>,
    host: Option<IpAddr>,
    public_url: Option<String>,
    control_key: Option<String>,
    open_control: bool,
    secret: Option<String>,
    config: Option<PathBuf>,
    state: Option<PathBuf>,
    log: Option<LevelFilter>,
    open: bool,
}

impl Command {
    fn parse(args: impl IntoIterator<Item = OsString>) -> Result<Self, lexopt::Error> {
        let mut parser = lexopt::Parser::from_args(args);
        let mut options = Options::default();
        while let Some(arg) = parser.next()? {
            match arg {
                Long("port") => options.port = Some(parser.value()?.parse()?),
                Long("host") => options.host = Some(parser.value()?.parse()?),
                Long("public-url") => options.public_url = Some(parser.value()?.string()?),
                Long("control-key") => options.control_key = Some(parser.value()?.string()?),
                Long("open-control") => options.open_control = true,
                Long("secret") => options.secret = Some(parser.value()?.string()?),
                Long("config") => options.config = Some(parser.value()?.into()),
                Long("state") => options.state = Some(parser.value()?.into()),
                Long("log") => options.log = Some(parser.value()?.parse_with(level)?),
                Long("open") => options.open = true,
                Short('h') | Long("help") => return Ok(Self::Help),
                Short('V') | Long("version") => return Ok(Self::Version),
                _ => return Err(arg.unexpected()),
            }
        }
        if options.open_control && options.control_key.is_some() {
            return Err("--open-control asks for no key, --control-key for one: only one of the two".into());
        }
        Ok(Self::Run(options))
    }
}

/// How much is logged.
fn level(text: &str) -> Result<LevelFilter, &'static str> {
    text.parse().map_err(|_| "one of off, error, warn, info, debug, trace")
}

impl Options {
    fn builder(&self) -> Result<EmulatorBuilder, String> {
        let mut builder = Emulator::builder().port(PORT);
        if let Some(path) = &self.config {
            builder = builder.config(&Config::from_file(path).map_err(|why| Chain(&why).to_string())?);
        }
        if let Some(port) = self.port {
            builder = builder.port(port);
        }
        if let Some(host) = self.host {
            builder = builder.host(host);
        }
        if let Some(url) = &self.public_url {
            builder = builder.public_url(url);
        }
        if let Some(key) = &self.control_key {
            builder = builder.control_key(key);
        }
        if self.open_control {
            builder = builder.open_control();
        }
        if let Some(secret) = &self.secret {
            builder = builder.secret(secret);
        }
        if let Some(path) = &self.state {
            builder = builder.state_file(path);
        }
        Ok(builder)
    }

    /// Has what goes wrong written to stderr. What is logged by what it is made of is not for its users.
    fn log(&self) {
        let level = self.log.unwrap_or(LevelFilter::WARN);
        let layer = tracing_subscriber::fmt::layer().with_writer(io::stderr).with_target(false).with_ansi(false);
        let ours = Targets::new().with_target(env!("CARGO_CRATE_NAME"), level);
        // There is one already where this is no program.
        let _ = tracing_subscriber::registry().with(layer).with(ours).try_init();
    }
}

/// What it means to be open where others are.
fn warning(emulator: &Emulator) -> Option<String> {
    if emulator.control_key().is_some() || emulator.is_near() {
        return None;
    }
    let address = emulator.local_address().ip();
    let reached = if address.is_loopback() { emulator.origin().to_owned() } else { address.to_string() };
    Some(format!(
        "warning: {reached} is not this machine alone, and by --open-control whoever reaches it can read every code and pass \
         every challenge"
    ))
}

/// Runs the program, until it is told to end.
pub fn main() -> ExitCode {
    let (mut out, mut err) = (io::stdout(), io::stderr());
    let told = match Command::parse(std::env::args_os().skip(1)) {
        Ok(Command::Run(options)) => run(&options, &mut out, &mut err),
        Ok(Command::Help) => out.write_all(HELP.as_bytes()).map_err(|why| why.to_string()),
        Ok(Command::Version) => {
            writeln!(out, "authsignal-emulator {}", env!("CARGO_PKG_VERSION")).map_err(|why| why.to_string())
        }
        Err(why) => {
            let _ = writeln!(err, "authsignal-emulator: {why}\nTry 'authsignal-emulator --help'.");
            return ExitCode::from(2);
        }
    };
    match told {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            let _ = writeln!(err, "authsignal-emulator: {why}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options, out: &mut impl Write, err: &mut impl Write) -> Result<(), String> {
    options.log();
    let builder = options.builder()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(text)?;
    runtime.block_on(async {
        // From here on it doesn't end before it has saved.
        let ended = Ended::new().map_err(text)?;
        let emulator = builder.start().await.map_err(text)?;
        if let Some(warning) = warning(&emulator) {
            writeln!(err, "{warning}").map_err(text)?;
        }
        // Nobody may read it: that is no reason to end.
        let _ = announce(&emulator, options, out);
        if options.open {
            open(format!("{}/emulator", emulator.origin()));
        }
        ended.wait().await;
        emulator.save().map_err(text)
    })
}

fn text(why: impl fmt::Display) -> String {
    why.to_string()
}

/// The first line is for programs, the others are for people.
fn announce(emulator: &Emulator, options: &Options, out: &mut impl Write) -> io::Result<()> {
    let (base_url, secret, origin) = (emulator.base_url(), emulator.secret(), emulator.origin());
    writeln!(out, "authsignal-emulator base_url={base_url} secret={secret} dashboard={origin}/emulator")?;
    out.flush()?;
    writeln!(
        out,
        "\nPoint an SDK at it:\n  AUTHSIGNAL_API_URL={base_url}\n  AUTHSIGNAL_API_SECRET_KEY={secret}\n\
         \nUsers, messages and faults: {origin}/emulator"
    )?;
    if let Some(key) = emulator.control_key() {
        writeln!(out, "The key to it, as a password or a bearer token: {key}")?;
    }
    let address = emulator.local_address();
    if *origin != format!("http://{address}") {
        writeln!(out, "It listens on {address}")?;
    }
    if let Some(path) = &options.state {
        writeln!(out, "The state is kept in {}", path.display())?;
    }
    writeln!(out, "Ctrl-C ends it.")?;
    out.flush()
}

/// Opens a page in a browser, which may take its time.
fn open(url: String) {
    let opening = std::thread::Builder::new().name("browser".to_owned());
    let _ = opening.spawn(move || {
        if let Err(why) = opener::open_browser(&url) {
            let _ = writeln!(io::stderr(), "no browser could be opened ({why}); the dashboard is at {url}");
        }
    });
}

/// The signals that end it.
struct Ended {
    #[cfg(unix)]
    terminated: tokio::signal::unix::Signal,
}

impl Ended {
    fn new() -> io::Result<Self> {
        Ok(Self {
            #[cfg(unix)]
            terminated: tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?,
        })
    }

    async fn wait(self) {
        let interrupted = std::pin::pin!(tokio::signal::ctrl_c());
        #[cfg(unix)]
        {
            let mut signal = self.terminated;
            let terminated = std::pin::pin!(signal.recv());
            futures_util::future::select(interrupted, terminated).await;
        }
        #[cfg(not(unix))]
        let _ = interrupted.await;
    }
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, Ipv6Addr};

    use super::*;

    fn parse(args: &[&str]) -> Result<Command, String> {
        Command::parse(args.iter().map(OsString::from)).map_err(text)
    }

    fn options(args: &[&str]) -> Options {
        let Ok(Command::Run(options)) = parse(args) else { panic!("{args:?}") };
        options
    }

    #[test]
    fn what_is_asked_for() {
        assert_eq!(options(&[]), Options::default());
        let all = options(&[
            "--port=0",
            "--host",
            "::1",
            "--public-url",
            "https://auth.example.test",
            "--control-key=k",
            "--log",
            "debug",
            "--secret",
            "s",
            "--config",
            "emulator.toml",
            "--state=state file.json",
            "--open",
        ]);
        let expected = Options {
            port: Some(0),
            host: Some(Ipv6Addr::LOCALHOST.into()),
            public_url: Some("https://auth.example.test".into()),
            control_key: Some("k".into()),
            open_control: false,
            log: Some(LevelFilter::DEBUG),
            secret: Some("s".into()),
            config: Some("emulator.toml".into()),
            state: Some("state file.json".into()),
            open: true,
        };
        assert_eq!(all, expected);
        assert!(options(&["--open-control"]).open_control);
        for args in [&["-h"][..], &["--help"], &["--port", "1", "--help", "--nonsense"]] {
            assert_eq!(parse(args), Ok(Command::Help), "{args:?}");
        }
        assert_eq!(parse(&["-V"]), Ok(Command::Version));
    }

    #[test]
    fn what_cannot_be_asked_for() {
        for (args, named) in [
            (&["--prot", "1"][..], "--prot"),
            (&["--port"], "--port"),
            (&["--port", "65536"], "65536"),
            (&["--port", "-1"], "-1"),
            (&["--host", "localhost"], "localhost"),
            (&["--open=yes"], "--open"),
            (&["--log=loud"], "warn"),
            (&["--log"], "--log"),
            (&["--open-control", "--control-key=k"], "--control-key"),
            (&["emulator.toml"], "emulator.toml"),
        ] {
            let refused = parse(args).unwrap_err();
            assert!(refused.contains(named), "{args:?}: {refused}");
        }
    }

    #[test]
    fn every_option_is_in_the_help() {
        for option in [
            "port",
            "host",
            "public-url",
            "control-key",
            "open-control",
            "secret",
            "config",
            "state",
            "log",
            "open",
            "help",
            "version",
        ] {
            assert!(HELP.contains(&format!("--{option} ")), "{option}");
        }
        assert!(HELP.contains(&format!("Default: {PORT}\n")) && HELP.lines().all(|line| line.len() <= 110));
    }

    /// T128: what is open to others is said; what asks for a key needs no warning.
    #[tokio::test]
    async fn t128_who_is_open_elsewhere_is_warned() {
        let elsewhere = || Emulator::builder().host(Ipv4Addr::UNSPECIFIED);
        let public = |url: &str| Emulator::builder().public_url(url);
        for (builder, warned) in [
            (Emulator::builder(), false),
            (Emulator::builder().open_control(), false),
            (elsewhere(), false),
            (elsewhere().control_key("k"), false),
            (elsewhere().open_control(), true),
            (public("https://auth.example.test"), false),
            (public("https://auth.example.test").open_control(), true),
            (public("http://localhost:4000").open_control(), false),
        ] {
            let shown = format!("{builder:?}");
            let warning = warning(&builder.start().await.unwrap());
            assert_eq!(warning.is_some(), warned, "{shown}");
            let told =
                warning.is_none_or(|text| text.contains("read every code") && text.contains("pass every challenge"));
            assert!(told, "{shown}");
        }
    }

    #[tokio::test]
    async fn the_first_line_is_for_programs() {
        let emulator = Emulator::builder().secret("s3cret").start().await.unwrap();
        let mut out = Vec::new();
        announce(&emulator, &Options::default(), &mut out).unwrap();
        let out = String::from_utf8(out).unwrap();
        let origin = emulator.origin();
        let expected = format!("authsignal-emulator base_url={origin}/v1 secret=s3cret dashboard={origin}/emulator");
        assert_eq!(out.lines().next(), Some(expected.as_str()));
    }
}
