//! Multipart forms: as clients write them, and as somebody writes them who wants them read twice.
use crate::fuzz::Random;

/// What clients write around the parts, and how they draw a boundary.
///
/// From Chromium, Firefox, Safari, curl, python-requests (urllib3), .NET, Go, Node.js (undici), Node.js (form-data), Java.
const CLIENTS: [(&str, &str, usize, &str); 10] = [
    ("multipart/form-data; boundary=B", "----WebKitFormBoundary", 16, "--\r\n"),
    ("multipart/form-data; boundary=B", "----geckoformboundary", 32, "--\r\n"),
    ("multipart/form-data; boundary=B", "----WebKitFormBoundary", 16, "--\r\n"),
    ("multipart/form-data; boundary=B", "------------------------", 22, "--\r\n"),
    ("multipart/form-data; boundary=B", "", 32, "--\r\n"),
    ("multipart/form-data; boundary=\"B\"", "", 36, "--\r\n"),
    ("multipart/form-data; boundary=B", "", 60, "--\r\n"),
    ("multipart/form-data; boundary=B", "----formdata-undici-0", 12, "--"),
    ("multipart/form-data; boundary=B", "--------------------------", 24, "--\r\n"),
    ("multipart/form-data; charset=UTF-8; boundary=\"B\"", "----=_Part_4_", 20, "--\r\n"),
];

/// A multipart form in bytes, with its content type.
pub(super) type Written = (String, Vec<u8>);

/// Boundaries that begin, end or contain one another, or are something else as well.
const BOUNDARIES: [&str; 15] =
    ["honest", "EVIL", "x", "x1", "x12", "-x", "x-", "--", "---", "a:b", "a=b", "a/b", "x'y", "", "x y"];

const TYPES: [&str; 24] = [
    "multipart/form-data; boundary=B",
    "multipart/form-data; boundary=B",
    "multipart/form-data; boundary=B",
    "multipart/form-data; boundary=\"B\"",
    "multipart/form-data; boundary=\"B\"",
    "Multipart/Form-Data;boundary=B",
    "multipart/form-data; Boundary=B",
    "multipart/form-data; boundary=B; charset=utf-8",
    "multipart/form-data; charset=utf-8; boundary=B",
    "multipart/form-data; charset=\"utf-8\"; boundary=\"B\"",
    "multipart/form-data; charset=utf-7; boundary=B; a=\"b;c\"",
    "multipart/form-data; boundary=B; boundary=EVIL",
    "multipart/form-data; boundary=EVIL; boundary=B",
    "multipart/form-data; boundary=B; boundary*0=EVIL",
    "multipart/form-data; boundary*=B; boundary=EVIL",
    "multipart/form-data; boundary=B;",
    "multipart/form-data; boundary=B ; charset=utf-8",
    "multipart/form-data; boundary=B, multipart/form-data; boundary=EVIL",
    "multipart/form-data; boundary=\"\\B\"",
    "multipart/form-data; boundary=\"B",
    "multipart/form-data; a=\"; boundary=EVIL\"; boundary=B",
    "multipart/form-data; a=\"\\\"; boundary=EVIL; b=\\\"\"; boundary=B",
    "multipart/mixed; boundary=B",
    "application/x-www-form-urlencoded; boundary=B",
];

/// Pieces of a part's content. `{B}` is the boundary of the form, `{E}` another one.
const PIECES: [&str; 34] = [
    "10",
    "10000",
    "--",
    "-",
    "\r\n",
    "\n",
    "\r",
    "\r\n\r\n",
    " ",
    "é\u{feff}",
    "B",
    "--{B}",
    "--{E}",
    "--{B}x",
    "-{B}",
    "\r\n{B}",
    "\n--{B}\n",
    "\r--{E}\r",
    "\r\n--{B}\r\n",
    "\r\n--{E}\r\n",
    "\r\n--{B}--",
    "\r\n--{E}--",
    "\r\n--{B}--\r\n",
    "\r\n--{E}\n",
    "\n--{E}\r\n",
    "\r\n--{B} \r\nContent-Disposition: form-data; name=\"amount\"\r\n\r\n10000",
    "\r\n--{E} \r\nContent-Disposition: form-data; name=\"amount\"\r\n\r\n10000",
    "\r\n--{E}\t \r\nContent-Disposition: form-data; name=\"amount\"\r\n\r\n10000",
    "\r\n--{E}\r\nContent-Disposition: form-data; name=\"amount\"\r\n\r\n10000",
    "--{E}\r\nContent-Disposition: form-data; name=\"amount\"\r\n\r\n10000",
    "\n--{E}\nContent-Disposition: form-data; name=\"amount\"\n\n10000",
    "\r\n--{E}x\r\nContent-Disposition: form-data; name=\"amount\"\r\n\r\n10000",
    "\r\n--{E}--\r\n--{E}\r\nContent-Disposition: form-data; name=\"amount\"\r\n\r\n10000",
    "Content-Disposition: form-data; name=\"amount\"\r\n\r\n10000\r\n",
];

const HEADS: [&str; 16] = [
    "Content-Disposition: form-data; name=\"amount\"\r\n\r\n",
    "Content-Disposition: form-data; name=\"note\"\r\n\r\n",
    "Content-Disposition: form-data; name=\"file\"; filename=\"a.txt\"\r\nContent-Type: text/plain\r\n\r\n",
    "Content-Disposition: form-data; name=\"file\"; filename=\"a.txt\"\r\nContent-Type: application/octet-stream\r\n\r\n",
    "content-disposition: form-data; name=amount\r\n\r\n",
    "Content-Disposition: form-data; name=\"a\\\"b\"\r\n\r\n",
    "Content-Disposition: form-data; name=\"--{B}\"\r\n\r\n",
    "Content-Disposition: form-data; name=\"--{E}\"\r\n\r\n",
    "Content-Type: multipart/mixed; boundary={E}\r\nContent-Disposition: form-data; name=\"files\"\r\n\r\n",
    "Content-Disposition: form-data; name=\"a\"\r\nContent-Disposition: form-data; name=\"b\"\r\n\r\n",
    "\r\n",
    "\r\n\r\n",
    "",
    "Content-Disposition: form-data; name=\"cut\"\r\n",
    "X: y\n\n",
    "--{E}: x\r\n\r\n",
];

/// Everything of a form but its boundary.
#[derive(Clone)]
struct Draft {
    content_type: &'static str,
    before: &'static str,
    paddings: Vec<&'static str>,
    parts: Vec<String>,
    end: &'static str,
}

impl Draft {
    fn plain(random: &mut Random) -> Self {
        let parts = (0..random.below(4)).map(|_| {
            let head = random.pick(&HEADS[..6]);
            let content: String = (0..random.below(4)).map(|_| random.pick(&PIECES[..11])).collect();
            format!("{head}{content}")
        });
        let parts: Vec<_> = parts.collect();
        let paddings = vec![""; parts.len()];
        Self { content_type: TYPES[0], before: "", paddings, parts, end: "--\r\n" }
    }

    /// Mostly as clients write it, with a few things that they do not.
    fn hostile(random: &mut Random) -> Self {
        let mut draft = Self::plain(random);
        draft.content_type = random.pick(&TYPES);
        for part in &mut draft.parts {
            if random.one_in(2) {
                part.push_str(random.pick(&PIECES));
            }
            if random.one_in(8) {
                *part = format!("{}{}", random.pick(&HEADS), random.pick(&PIECES));
            }
        }
        if random.one_in(6) {
            draft.before =
                random.pick(&["\r\n", "\n", "preamble\r\n", "--{E}\r\nX: y\r\n\r\n", "\r\n\r\n", " ", "--{B}--\r\n"]);
        }
        for padding in &mut draft.paddings {
            if random.one_in(12) {
                *padding = random.pick(&[" ", "\t", " \t ", "x", "\n", "-", "--"]);
            }
        }
        if random.one_in(4) {
            draft.end = random.pick(&[
                "--",
                "",
                "-",
                "--x",
                "--\r\nepilogue",
                "--\r\n--{E}\r\nX: y\r\n\r\n1",
                "-- \r\n",
                "--\n",
                "\r\n",
            ]);
        }
        draft
    }

    fn write(&self, boundary: &str, other: &str) -> Written {
        let mut body = self.before.to_owned();
        for (part, padding) in self.parts.iter().zip(&self.paddings) {
            body.push_str(&format!("--{{B}}{padding}\r\n{part}\r\n"));
        }
        body.push_str(&format!("--{{B}}{}", self.end));
        let body = body.replace("{B}", boundary).replace("{E}", other);
        (with_boundary(self.content_type, boundary), body.into_bytes())
    }
}

fn with_boundary(content_type: &str, boundary: &str) -> String {
    content_type.replace("=B", &format!("={boundary}")).replace("\"B", &format!("\"{boundary}"))
}

/// One form, twice as one client sends it.
pub(super) fn again(random: &mut Random) -> (Written, Written) {
    let (content_type, prefix, letters, end) = random.pick(&CLIENTS);
    let draft = Draft { content_type, end, ..Draft::plain(random) };
    let mut written = || draft.write(&format!("{prefix}{}", random.letters(letters)), "");
    (written(), written())
}

/// Two forms that somebody hopes are taken for one.
pub(super) fn near(random: &mut Random) -> (Written, Written) {
    let draft = if random.one_in(10) { Draft::plain(random) } else { Draft::hostile(random) };
    let (mut one, mut other) = (random.pick(&BOUNDARIES).to_owned(), random.pick(&BOUNDARIES).to_owned());
    if random.one_in(3) {
        let length = 1 + random.below(3);
        (one, other) = (random.letters(length), random.letters(2));
    }
    let first = draft.write(&one, &other);
    let second = match random.below(8) {
        // The same parts under the boundary that stands in them.
        0..3 => draft.write(&other, &other),
        // The boundaries changed places.
        3 => draft.write(&other, &one),
        // The same bytes under another type.
        4 | 5 => (with_boundary(random.pick(&TYPES), &other), first.1.clone()),
        // Another draft of the same kind, or one thing changed.
        6 => {
            let mut changed = draft;
            changed.content_type = if random.one_in(2) { random.pick(&TYPES) } else { changed.content_type };
            changed.end = if random.one_in(2) { "--" } else { changed.end };
            if let Some(part) = changed.parts.first_mut() {
                part.push_str(random.pick(&PIECES));
            }
            changed.write(&one, &other)
        }
        _ => {
            let (content_type, mut body) = draft.write(&other, &other);
            super::texts::change_a_byte(random, &mut body);
            (content_type, body)
        }
    };
    (first, second)
}
