//! `--state`: what is saved where a file can't be replaced, and what is said when nothing is.
use std::process::Command;

use reqwest::Method;
use serde_json::json;
use test_support::waiting::until;

use super::{Folder, Running, output, program};

/// The program in a mount namespace of its own, where `file` is a mount point, as a file is in a container that was started with
/// `-v ./state.json:/state.json`: `there` is what is mounted, with these options.
///
/// It takes the right to mount, which root has, and others have by a user namespace. Where neither is, the test fails: it
/// would prove nothing.
fn mounted(there: &str, file: &str, options: &str, arguments: &[&str]) -> Command {
    let script = r#"mount --bind "$1" "$2" && { [ -z "$3" ] || mount -o "remount,bind,$3" "$2"; } \
        || { echo 'no right to mount: run the tests as root, or allow user namespaces' >&2; exit 99; }
        shift 3; exec "$@""#;
    let mut command = Command::new("unshare");
    let is_root = Command::new("id").arg("-u").output().unwrap().stdout == b"0\n";
    command.args(if is_root { &["--mount"][..] } else { &["--user", "--map-root-user", "--mount"] });
    command.args(["sh", "-c", script, "sh", there, file, options]);
    let program = program(arguments);
    command.arg(program.get_program()).args(program.get_args()).stdin(std::process::Stdio::null());
    command
}

#[tokio::test]
async fn a_mounted_file_is_saved_in_place() {
    let folder = Folder::new("mounted");
    let (there, file) = (folder.file("there.json"), folder.file("state.json"));
    // As `touch` makes it before a container is started.
    for empty in [&there, &file] {
        std::fs::write(empty, "").unwrap();
    }
    let arguments = ["--port=0", "--state", &file];
    let first = Running::of(&mut mounted(&there, &file, "", &arguments));
    first.says(&["WARN", &file, "mount its folder"]);
    let secret = first.secret.clone();
    first.control(Method::PUT, "users/ada", Some(json!({ "email": "ada@example.com" }))).await;
    until("it is saved", async || std::fs::read_to_string(&there).unwrap().contains("ada@example.com")).await;
    // It is shorter after this, and whole all the same.
    first.control(Method::DELETE, "users/ada", None).await;
    first.control(Method::PUT, "users/eve", Some(json!({}))).await;
    let (status, _) = first.end("TERM");
    assert!(status.success());

    let kept = std::fs::read_to_string(&there).unwrap();
    assert!(kept.contains("eve") && !kept.contains("ada@example.com"), "{kept}");
    let second = Running::of(&mut mounted(&there, &file, "", &arguments));
    assert_eq!(second.secret, secret);
    assert_eq!(second.control(Method::GET, "users", None).await[0]["userId"], "eve");
    second.end("TERM");
    let left: Vec<_> = std::fs::read_dir(&folder.0).unwrap().map(|file| file.unwrap().file_name()).collect();
    assert_eq!(left.len(), 2, "nothing is left beside it: {left:?}");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "", "what it was mounted over");
}

#[tokio::test]
async fn a_file_that_cannot_be_saved_is_refused_at_the_start() {
    let folder = Folder::new("read-only");
    let (there, file) = (folder.file("there.json"), folder.file("state.json"));
    for empty in [&there, &file] {
        std::fs::write(empty, "").unwrap();
    }
    let output = mounted(&there, &file, "ro", &["--port=0", "--state", &file]).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!((output.status.code(), output.stdout.len()), (Some(1), 0), "{said}");
    assert!(said.contains(&file) && said.contains("Read-only file system"), "{said}");
}

#[tokio::test]
async fn a_save_that_fails_is_said_and_ends_it_with_one() {
    let folder = Folder::new("gone");
    let below = folder.file("below");
    std::fs::create_dir(&below).unwrap();
    let file = format!("{below}/state.json");
    let running = Running::start(&["--port=0", "--state", &file]);
    std::fs::remove_dir_all(&below).unwrap();
    running.control(Method::PUT, "users/ada", Some(json!({}))).await;
    running.says(&["ERROR", &file, "could not be saved"]);
    let said = running.said.clone();
    let (status, _) = running.end("TERM");
    assert_eq!(status.code(), Some(1));
    let words = format!("authsignal-emulator: {file}");
    until("it says why it ended", async || said.lock().unwrap().contains(&words)).await;
}

#[tokio::test]
async fn two_on_one_file_are_one_too_many() {
    let folder = Folder::new("two");
    let file = folder.file("state.json");
    let first = Running::start(&["--port=0", "--state", &file]);
    first.control(Method::PUT, "users/ada", Some(json!({}))).await;
    let (code, stdout, stderr) = output(&["--port=0", "--state", &file]);
    assert_eq!((code, stdout.as_str()), (1, ""));
    assert!(stderr.contains(&file) && stderr.contains("another emulator"), "{stderr}");
    // Also after the file was replaced by a save of the first.
    until("it is saved", async || std::fs::read_to_string(&file).unwrap().contains("ada")).await;
    let (code, _, stderr) = output(&["--port=0", "--state", &file]);
    assert!(code == 1 && stderr.contains("another emulator"), "{stderr}");
    first.end("TERM");
    let second = Running::start(&["--port=0", "--state", &file]);
    assert_eq!(second.control(Method::GET, "users", None).await[0]["userId"], "ada");
}
