//! `fpm-registry user`: looks at a user, and helps.

use std::process::ExitCode;

use clap::{Args, Subcommand};

use super::{
    confirm::Confirmation,
    perform::{Output, perform, refuse},
};
use crate::{
    accounts::operator::request::{Act, EndedFactors, Request, UserFilter},
    server::settings::Settings,
};

/// What can be done to a user.
#[derive(Subcommand)]
pub enum UserCommand {
    /// List users in the order of their ids, at most a thousand at a time
    List {
        /// Begin after the user of this id
        #[arg(long, value_name = "ID")]
        after: Option<String>,
        /// Only those with this in their name or e-mail address
        #[arg(long = "match", value_name = "TEXT")]
        text: Option<String>,
        /// Only those who are disabled
        #[arg(long)]
        disabled: bool,
        /// Only those whose e-mail address is not confirmed
        #[arg(long)]
        unconfirmed: bool,
        /// Only those whose second factors are about to end
        #[arg(long)]
        losing_second_factors: bool,
        /// How the outcome is printed.
        #[command(flatten)]
        output: Output,
    },
    /// Show all that is held about a user, but no secrets
    Show(One),
    /// Make an account for somebody, who is mailed a link to choose a password
    Create {
        /// The name
        #[arg(long)]
        name: String,
        /// The e-mail address
        #[arg(long, allow_hyphen_values = true)]
        email: String,
        /// How the outcome is printed.
        #[command(flatten)]
        output: Output,
    },
    /// Take the e-mail address for confirmed
    ConfirmEmail(One),
    /// Give the user another e-mail address; the old one is told, and can undo it for 7 days
    SetEmail {
        /// The user.
        #[command(flatten)]
        one: One,
        /// The new address
        #[arg(allow_hyphen_values = true)]
        email: String,
    },
    /// Forget the failed logins, so that the user can try again
    Unlock(One),
    /// Log the user out everywhere
    EndSessions(One),
    /// End all upload tokens, so that no program can publish in the user's name
    EndTokens(One),
    /// Remove all second factors and recovery codes a day later, for a user who has lost them; the user is told, and they
    /// stay if the owner objects
    EndSecondFactors(One),
    /// Stop the removal of the second factors
    KeepSecondFactors(One),
    /// Mail the user a link to choose a new password; second factors stay
    ResetLink(One),
    /// Keep the user out: log out everywhere, and let no login succeed
    Disable(One),
    /// Let the user in again
    Enable(One),
    /// Give a stolen account back to its owner at this address: end all sessions, devices, tokens and links, and the password, but no second factor by itself
    Recover {
        /// The user.
        #[command(flatten)]
        one: One,
        /// The owner's address
        #[arg(allow_hyphen_values = true)]
        email: String,
        /// Which second factors end.
        #[command(flatten)]
        ended: Ended,
        /// Whether to ask.
        #[command(flatten)]
        confirmation: Confirmation,
    },
    /// Delete the account for good
    Delete {
        /// The user.
        #[command(flatten)]
        one: One,
        /// Whether to ask.
        #[command(flatten)]
        confirmation: Confirmation,
    },
}

/// Which second factors end at once.
#[derive(Args)]
pub struct Ended {
    /// Also end the second factors and recovery codes that were added within so many hours; those they replaced come back
    #[arg(long, value_name = "HOURS", conflicts_with = "end_all_second_factors")]
    end_second_factors_of_hours: Option<u32>,
    /// Also end all second factors and recovery codes
    #[arg(long)]
    end_all_second_factors: bool,
}

impl From<Ended> for EndedFactors {
    fn from(ended: Ended) -> Self {
        match ended.end_second_factors_of_hours {
            Some(hours) => Self::OfHours(hours),
            None if ended.end_all_second_factors => Self::All,
            None => Self::None,
        }
    }
}

/// One user.
#[derive(Args)]
pub struct One {
    /// The user, by e-mail address or id
    #[arg(value_name = "EMAIL|ID", allow_hyphen_values = true)]
    user: String,
    #[command(flatten)]
    output: Output,
}

impl UserCommand {
    /// Carries the command out.
    pub async fn run(self, settings: &Settings) -> ExitCode {
        let (one, act) = match self {
            Self::List {
                after,
                text,
                disabled,
                unconfirmed,
                losing_second_factors,
                output,
            } => {
                let filter = UserFilter {
                    after,
                    text,
                    disabled,
                    unconfirmed,
                    losing_second_factors,
                };
                return perform(settings, Request::ListUsers(filter), output).await;
            }
            Self::Create {
                name,
                email,
                output,
            } => return perform(settings, Request::CreateUser { name, email }, output).await,
            Self::Delete { one, confirmation } => {
                let question = format!("Delete the account of {}?", one.user);
                if let Err(why) = confirmation.ask(&question) {
                    return refuse(why);
                }
                (one, Act::Delete)
            }
            Self::SetEmail { one, email } => (one, Act::SetEmail(email)),
            Self::Recover {
                one,
                email,
                ended,
                confirmation,
            } => {
                let ended = ended.into();
                if ended != EndedFactors::None {
                    let question = format!("End second factors of {}?", one.user);
                    if let Err(why) = confirmation.ask(&question) {
                        return refuse(why);
                    }
                }
                (one, Act::Recover { email, ended })
            }
            Self::Show(one) => (one, Act::Show),
            Self::ConfirmEmail(one) => (one, Act::ConfirmEmail),
            Self::Unlock(one) => (one, Act::Unlock),
            Self::EndSessions(one) => (one, Act::EndSessions),
            Self::EndTokens(one) => (one, Act::EndUploadTokens),
            Self::EndSecondFactors(one) => (one, Act::EndSecondFactors),
            Self::KeepSecondFactors(one) => (one, Act::KeepSecondFactors),
            Self::ResetLink(one) => (one, Act::SendResetLink),
            Self::Disable(one) => (one, Act::Disable),
            Self::Enable(one) => (one, Act::Enable),
        };
        let who = one.user;
        perform(settings, Request::User { who, act }, one.output).await
    }
}
