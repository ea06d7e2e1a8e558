//! Asks before what cannot be undone.

use std::io::{self, BufRead, IsTerminal, Write};

use clap::Args;

/// Whether it may be done without asking.
#[derive(Args, Clone, Copy)]
pub struct Confirmation {
    /// Do not ask, though it cannot be undone
    #[arg(long)]
    yes: bool,
}

impl Confirmation {
    /// Asks whether to go on, on the terminal. An error, which says what to do, if there is none or if the answer is no.
    pub fn ask(self, question: &str) -> Result<(), &'static str> {
        if self.yes {
            return Ok(());
        }
        if !io::stdin().is_terminal() {
            return Err("this cannot be undone, and there is no terminal to ask on: add --yes");
        }
        print!("{question} This cannot be undone. [y/N] ");
        let mut answer = String::new();
        let asked = io::stdout().flush();
        let read = asked.and_then(|()| io::stdin().lock().read_line(&mut answer));
        match read.is_ok() && matches!(answer.trim(), "y" | "Y" | "yes") {
            true => Ok(()),
            false => Err("nothing was done"),
        }
    }
}
