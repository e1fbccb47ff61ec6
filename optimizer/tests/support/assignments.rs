//! Generalised assignment problems as contact plans: every job is a member, every agent a limit on what its jobs take. Sorts A to D are
//! those of Chu and Beasley (A genetic algorithm for the generalised assignment problem, Computers & Operations Research 24,
//! 1997), E that of Yagiura, Ibaraki and Glover (An ejection chain approach for the generalized assignment problem, INFORMS Journal on
//! Computing 16, 2004); files are those of J. E. Beasley's OR-Library.

use crate::support::Dice;
use perq_optimizer::{Amounts, Class, Compare, Counted, Each, Problem, Rule, Scope, Span, Window};

/// Jobs that are done by one agent each.
pub struct Assignment {
    /// Agent by agent, then job by job: what it costs, or is worth.
    pub worth: Vec<Vec<i64>>,
    /// Agent by agent, then job by job: what it takes.
    pub takes: Vec<Vec<i64>>,
    /// Agent by agent: what there is.
    pub room: Vec<i64>,
    /// Whether the most is looked for, rather than the least.
    pub most: bool,
}

impl Assignment {
    /// What doing a job is worth more than what any could save: no job is left undone where all can be done.
    fn base(&self) -> i64 {
        2 * self.worth.iter().flatten().map(|worth| worth.abs()).max().unwrap_or(0) + 1
    }

    /// What a plan of all jobs with this objective is worth, or costs.
    #[allow(dead_code, reason = "not all that solve them print them")]
    pub fn told(&self, objective: i128) -> i128 {
        let jobs = self.worth.first().map_or(0, Vec::len) as i128;
        let sum = objective - jobs * i128::from(self.base());
        if self.most { sum } else { -sum }
    }

    /// As a contact plan.
    pub fn plan(&self) -> Problem {
        let (agents, jobs) = (self.worth.len(), self.worth.first().map_or(0, Vec::len));
        let mut problem = Problem {
            session: Some(Span { first: 0, last: 0 }),
            members: vec![0],
            history_of: vec![0],
            columns: vec![Amounts::default()],
            ..Problem::default()
        };
        problem.classes = (0..agents).map(|agent| Class { day: 0, scopes: 1 | 2 << agent }).collect();
        for job in 0..jobs {
            for agent in 0..agents {
                let worth = self.worth[agent][job];
                problem.score.push(self.base() + if self.most { worth } else { -worth });
                problem.class.push(agent as u32);
                problem.offer.push(agent as u32);
                problem.package.push(0);
                problem.columns[0].push(self.takes[agent][job]);
            }
            problem.members.push(problem.score.len() as u32);
            problem.history_of.push(0);
        }
        problem.rules.push(Rule::Each(Each {
            members: None,
            scope: Scope(0),
            window: Window { spans: vec![Span { first: 0, last: 0 }], history: false },
            counted: Counted::Contacts,
            at_least: None,
            at_most: Some(1),
            skip: false,
        }));
        problem.rules.extend(self.room.iter().enumerate().map(|(agent, room)| Rule::Amount {
            scope: Scope(1 + agent as u8),
            column: 0,
            times: 1,
            minus: 0,
            compare: Compare::AtMost,
            bound: *room,
            soft: false,
        }));
        problem
    }

    /// A drawn one of a published sort, `A` to `E`; the least is looked for.
    pub fn drawn(sort: char, agents: usize, jobs: usize, seed: u64) -> Assignment {
        let mut dice = Dice(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
        for _ in 0..8 {
            dice.next();
        }
        let mut between = |low: i64, high: i64| low + dice.below((high - low + 1) as u64) as i64;
        let mut draw = || match sort {
            'A' | 'B' | 'C' => (between(5, 25), between(10, 50)),
            'D' => {
                let takes = between(1, 100);
                (takes, 111 - takes + between(-10, 10))
            }
            _ => {
                let part = between(1, 1_000_000) as f64 / 1_000_000.0;
                let takes = (1.0 - 10.0 * part.ln()) as i64;
                let less = 10.0 * between(0, 1000) as f64 / 1000.0;
                (takes, (1000.0 / takes as f64 - less) as i64)
            }
        };
        let (mut takes, mut worth) = (vec![vec![0; jobs]; agents], vec![vec![0; jobs]; agents]);
        for job in 0..jobs {
            for agent in 0..agents {
                (takes[agent][job], worth[agent][job]) = draw();
            }
        }
        let whole = |agent: usize| takes[agent].iter().sum::<i64>();
        let room: Vec<i64> = if matches!(sort, 'A' | 'B') {
            // Of what the fullest agent takes where every job goes to its cheapest.
            let mut taken = vec![0i64; agents];
            for job in 0..jobs {
                let cheapest = (0..agents).min_by_key(|agent| worth[*agent][job]).unwrap();
                taken[cheapest] += takes[cheapest][job];
            }
            let fullest = taken.into_iter().max().unwrap_or(0);
            let room = (9 * jobs / agents) as i64 + fullest * 4 / 10;
            vec![if sort == 'A' { room } else { room * 7 / 10 }; agents]
        } else {
            (0..agents).map(|agent| whole(agent) * 8 / 10 / agents as i64).collect()
        };
        Assignment { worth, takes, room, most: false }
    }

    /// Those of a file: how many, then of each how many agents and jobs, worths, what jobs take, and room.
    #[allow(dead_code, reason = "only files are read so")]
    pub fn read(text: &str, most: bool) -> Option<Vec<Assignment>> {
        let mut numbers = text.split_whitespace().map(|word| word.parse::<i64>().ok());
        let mut next = || numbers.next().flatten();
        let count = next()?;
        let one = |next: &mut dyn FnMut() -> Option<i64>| -> Option<Assignment> {
            let (agents, jobs) = (next()?, next()?);
            let mut list = |count: i64| (0..count).map(|_| next()).collect::<Option<Vec<i64>>>();
            let mut table = || (0..agents).map(|_| list(jobs)).collect::<Option<Vec<_>>>();
            let (worth, takes) = (table()?, table()?);
            Some(Assignment { worth, takes, room: list(agents)?, most })
        };
        (0..count).map(|_| one(&mut next)).collect()
    }
}
