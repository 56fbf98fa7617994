//! All peers stay up and take turns of a second, many times over: what counts is the ratio of two that are neighbours in
//! time, which a change of the machine's speed touches least. One peer is there twice: how far it is from itself is how
//! finely such a run sees.
use std::io;

use crate::app::Peer;
use crate::process::Server;

pub struct Duel {
    pub peers: Vec<Peer>,
    /// What the others are compared with, and is there twice.
    pub base: Peer,
    pub path: String,
    pub connections: Vec<usize>,
    pub turns: usize,
    pub seconds: f64,
}

/// A ratio over many turns: the median and the middle half.
#[derive(Clone, Copy, Debug)]
pub struct Ratio {
    pub median: f64,
    pub from: f64,
    pub to: f64,
}

impl Ratio {
    pub fn of(mut values: Vec<f64>) -> Self {
        values.sort_unstable_by(f64::total_cmp);
        let at = |quarter: usize| values.get(values.len() * quarter / 4).copied().unwrap_or(f64::NAN);
        Self { median: at(2), from: at(1), to: at(3) }
    }
}

impl std::fmt::Display for Ratio {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:.2} ({:.2} to {:.2})", self.median, self.from, self.to)
    }
}

/// One row of a table.
pub struct Row {
    pub connections: usize,
    pub name: String,
    pub cpu: Ratio,
    pub throughput: Ratio,
}

impl Duel {
    pub fn run(&self) -> io::Result<Vec<Row>> {
        let stub = Server::stub()?;
        let mut servers = Vec::new();
        for &peer in &self.peers {
            servers.push((peer.name().to_owned(), Server::peer(peer, &stub, "allow")?));
        }
        let base = self.peers.iter().position(|&peer| peer == self.base).expect("the base is one of the peers");
        servers.push((format!("{} again", self.base.name()), Server::peer(self.base, &stub, "allow")?));
        for (name, server) in &servers {
            let warm = server.turn(&self.path, 64, 1.0)?;
            if warm.not_ok > 0 {
                return Err(io::Error::other(format!("{name}: {} answers were not 200", warm.not_ok)));
            }
        }
        let mut rows = Vec::new();
        for &connections in &self.connections {
            let (mut cpu, mut throughput) = (vec![Vec::new(); servers.len()], vec![Vec::new(); servers.len()]);
            let mut disturbed = 0;
            for turn in 0..self.turns {
                let mut round = Vec::new();
                for offset in 0..servers.len() {
                    let index = (turn + offset) % servers.len(); // So that none is always first.
                    let (name, server) = &servers[index];
                    let result = server.turn(&self.path, connections, self.seconds)?;
                    if result.not_ok > 0 {
                        return Err(io::Error::other(format!("{name}: {} answers were not 200", result.not_ok)));
                    }
                    round.push((index, result));
                }
                // The machine had no time for one of them.
                if let Some((index, _)) = round.iter().find(|(_, result)| result.requests == 0) {
                    disturbed += 1;
                    eprintln!("\nno answer of {} in turn {}: the round does not count", servers[*index].0, turn + 1);
                    continue;
                }
                round.sort_unstable_by_key(|(index, _)| *index);
                for (index, result) in &round {
                    cpu[*index].push(result.cpu_us / round[base].1.cpu_us);
                    throughput[*index].push(result.per_second / round[base].1.per_second);
                }
                eprint!("\r{connections} connections, turn {} of {} ", turn + 1, self.turns);
            }
            eprintln!();
            if disturbed > self.turns / 4 {
                return Err(io::Error::other(format!("{disturbed} of {} rounds were disturbed", self.turns)));
            }
            for ((name, _), (cpu, throughput)) in servers.iter().zip(cpu.into_iter().zip(throughput)) {
                let (cpu, throughput) = (Ratio::of(cpu), Ratio::of(throughput));
                rows.push(Row { connections, name: name.clone(), cpu, throughput });
            }
        }
        Ok(rows)
    }
}

/// The rows as a table in Markdown.
pub fn table(duel: &Duel, rows: &[Row]) -> String {
    let base = duel.base.name();
    let method = if duel.path == "/bare" { "GET" } else { "POST" };
    let mut text = format!(
        "`{method} {}`, {} turns of {} s; median and middle half of the ratios to `{base}`\n\n\
         | connections | peer | CPU a request, x {base} | requests a second, x {base} |\n|---|---|---|---|\n",
        duel.path, duel.turns, duel.seconds
    );
    for row in rows {
        text += &format!("| {} | {} | {} | {} |\n", row.connections, row.name, row.cpu, row.throughput);
    }
    text
}
