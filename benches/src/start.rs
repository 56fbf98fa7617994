//! How long the quick start takes from exec to its first answer, against an axum hello world that is started the same way.
//!
//! Both are built in release. They take turns; each prints where it listens, and is asked for `/` as soon as it has.
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::duel::Ratio;

/// Builds a program of the workspace in `folder`; where it is.
fn built(folder: &Path, kind: &str, name: &str) -> io::Result<PathBuf> {
    let mut build = Command::new("cargo");
    if !build.args(["build", "--release", "--locked", kind, name]).current_dir(folder).status()?.success() {
        return Err(io::Error::other(format!("{name} does not build")));
    }
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| folder.join("target"), PathBuf::from);
    Ok(target.join(if kind == "--example" { "release/examples" } else { "release" }).join(name))
}

/// From exec to the end of the first answer.
fn first_answer(program: &Path) -> io::Result<Duration> {
    let began = Instant::now();
    let mut child = Command::new(program)
        .env_remove("AUTHSIGNAL_API_SECRET_KEY")
        .env_remove("PORT")
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    let mut answered = || {
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("it is piped")).read_line(&mut line)?;
        let port = line.trim().rsplit(':').next().unwrap_or_default();
        let mut stream = TcpStream::connect(format!("127.0.0.1:{port}"))?;
        stream.write_all(b"GET / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        let is_good = answer.starts_with("HTTP/1.1 200");
        if is_good { Ok(began.elapsed()) } else { Err(io::Error::other(format!("{}: {answer}", program.display()))) }
    };
    let took = answered();
    child.kill()?;
    child.wait()?;
    took
}

pub fn run(turns: usize) -> io::Result<String> {
    let benches = Path::new(env!("CARGO_MANIFEST_DIR"));
    let hello = built(benches, "--bin", "hello")?;
    let quickstart = built(&benches.join(".."), "--example", "quickstart")?;
    let programs = [("axum hello world", hello.clone()), ("quick start", quickstart), ("hello world again", hello)];
    let mut took = programs.each_ref().map(|_| Vec::new());
    for turn in 0..turns {
        for offset in 0..programs.len() {
            let index = (turn + offset) % programs.len(); // So that none is always first.
            let first = first_answer(&programs[index].1)?;
            if turn > 0 {
                took[index].push(first.as_secs_f64() * 1000.0); // The first turn reads the files.
            }
        }
    }
    let base = took[0].clone();
    let mut text =
        "| program | exec to first answer, ms | x hello world (of the medians) |\n|---|---|---|\n".to_owned();
    for ((name, _), took) in programs.iter().zip(took) {
        let (took, base) = (Ratio::of(took), Ratio::of(base.clone()));
        text += &format!("| {name} | {took} | {:.2} |\n", took.median / base.median);
    }
    Ok(text)
}
