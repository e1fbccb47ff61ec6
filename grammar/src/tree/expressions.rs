//! Expressions and collections: flat operator lists get their precedence here.

use super::{Builder, Children};
use crate::ast::{
    Additive, Aggregate, Arm, Bound, Comparison, Expr, ExprKind, Logic, Multiplicative, Name, Path, Pattern,
    Range, Source, SourceKind, Window,
};
use crate::diagnostic::Span;
use crate::parse::Rule;
use crate::{MAX_TREE_DEPTH, errors};
use pest::iterators::Pair;

/// An operand with the signs before it, not yet built.
struct Signed<'t> {
    signs: Vec<Span>,
    pair: Pair<'t, Rule>,
}

/// The parentheses after a name.
enum Arguments {
    /// `(a, b)`
    Values(Vec<Expr>),
    /// `(value for source)`
    Each(Box<Expr>, Box<Source>),
    /// `(source)`, where it cannot be a plain value.
    Elements(Box<Source>),
}

impl<'t> Builder<'t> {
    fn error(&self, span: Span) -> Expr {
        Expr { kind: ExprKind::Error, span }
    }

    /// The next child as an expression of either level.
    pub(super) fn take_expr(&mut self, children: &mut Children<'t>) -> Option<Expr> {
        match children.rule()? {
            Rule::expression | Rule::arithmetic => self.expression(children.next()?),
            _ => None,
        }
    }

    /// An expression between brackets: first its operands, then the operators between them. Only the operands
    /// recurse, by few and small frames, so that the deepest text fits a small stack.
    pub(super) fn expression(&mut self, pair: Pair<'t, Rule>) -> Option<Expr> {
        let survey = Survey::of(&pair);
        let height = survey.height();
        if self.depth + height > MAX_TREE_DEPTH {
            if !self.diagnostics.iter().any(|found| found.name == "nested-too-deeply") {
                let span = self.span(&pair);
                self.diagnostics.push(errors::nested_too_deeply(self.place(span)));
            }
            self.incomplete = true;
            return None;
        }
        self.depth += height;
        let ready = self.operands(survey.operands);
        self.depth -= height;
        let outer = std::mem::replace(&mut self.ready, ready?.into_iter());
        let built = self.assemble(pair);
        self.ready = outer;
        built
    }

    fn operands(&mut self, pairs: Vec<Pair<'t, Rule>>) -> Option<Vec<Expr>> {
        let mut operands = Vec::with_capacity(pairs.len());
        for pair in pairs {
            operands.push(self.operand(pair)?);
        }
        Some(operands)
    }

    /// Joins the operands that are ready.
    fn assemble(&mut self, pair: Pair<'t, Rule>) -> Option<Expr> {
        let span = self.span(&pair);
        match pair.as_rule() {
            Rule::expression => self.logic(pair, span),
            Rule::arithmetic => self.arithmetic(pair),
            _ => {
                let (operands, operators) = self.operators(&mut Children::of(pair));
                self.sum(operands, operators)
            }
        }
    }

    fn logic(&mut self, pair: Pair<'t, Rule>, span: Span) -> Option<Expr> {
        let mut children = Children::of(pair);
        let mut operands: Vec<Expr> = Vec::new();
        let mut joints: Vec<(Logic, Span)> = Vec::new();
        loop {
            let mut nots = Vec::new();
            while let Some(not) = children.take(Rule::kw_not) {
                nots.push(self.span(&not));
            }
            let operand = self.relations(&mut children)?;
            operands.push(nots.iter().rev().fold(operand, |operand, not| Expr {
                span: not.to(operand.span),
                kind: ExprKind::Not(Box::new(operand)),
            }));
            let Some(joint) = children.next() else { break };
            let logic = match joint.as_rule() {
                Rule::kw_or | Rule::double_bar => Logic::Or,
                _ => Logic::And,
            };
            joints.push((logic, self.span(&joint)));
        }
        let Some(&(logic, first)) = joints.first() else { return operands.pop() };
        if let Some(&(_, other)) = joints.iter().find(|joint| joint.0 != logic) {
            self.mixed_logic(&operands, &joints, first, other, span);
            return Some(self.error(span));
        }
        Some(Expr { kind: ExprKind::Logic(logic, operands), span })
    }

    /// `a and b or c`: both readings are offered.
    fn mixed_logic(
        &mut self,
        operands: &[Expr],
        joints: &[(Logic, Span)],
        first: Span,
        other: Span,
        span: Span,
    ) {
        const LONGEST_REPAIR: usize = 400;
        let reading = |tight: Logic| {
            let mut text = String::new();
            let mut at = 0;
            while at < operands.len() {
                let mut end = at;
                while joints.get(end).is_some_and(|joint| joint.0 == tight) {
                    end += 1;
                }
                // Parentheses that an operand has itself are between the joints, not in its span.
                let from = if at == 0 { span.start } else { joints[at - 1].1.end };
                let to = joints.get(end).map_or(span.end, |joint| joint.1.start);
                let part = self.source(Span { start: from, end: to }).trim();
                if end > at {
                    text.push('(');
                    text.push_str(part);
                    text.push(')');
                } else {
                    text.push_str(part);
                }
                if let Some(joint) = joints.get(end) {
                    text.push_str(if joint.0 == Logic::And { " and " } else { " or " });
                }
                at = end + 1;
            }
            text
        };
        let short = (span.end - span.start) as usize <= LONGEST_REPAIR;
        let readings = short.then(|| (reading(Logic::And), reading(Logic::Or)));
        let diagnostic =
            errors::mixed_logic(self.place(first), self.place(other), self.place(span), readings);
        self.diagnostics.push(diagnostic);
    }

    /// `a < b`, `a in b`, `a known`, and what follows it by mistake.
    fn relations(&mut self, children: &mut Children<'t>) -> Option<Expr> {
        let arithmetic = children.take(Rule::arithmetic)?;
        let outer = self.span(&arithmetic);
        let value = self.arithmetic(arithmetic)?;
        let Some(relation) = children.take(Rule::relation) else { return Some(value) };
        let first = self.span(&relation);
        let expr = self.relation(value, outer, relation)?;
        let Some(second) = children.take(Rule::relation) else { return Some(expr) };
        let second_span = self.span(&second);
        // What is no part of the tree has operands too.
        let ignored = self.error(outer);
        self.relation(ignored, outer, second)?;
        while let Some(further) = children.take(Rule::relation) {
            let ignored = self.error(outer);
            self.relation(ignored, outer, further)?;
        }
        self.chained_comparison(outer, first, second_span);
        Some(self.error(outer.to(second_span)))
    }

    fn chained_comparison(&mut self, value: Span, first: Span, second: Span) {
        let sign = |text: &str| text.starts_with(['<', '>', '=', '!']);
        let (left, middle, right) = (self.source(value), self.source(first), self.source(second));
        let repair =
            (sign(middle) && sign(right) && left.len() + middle.len() + right.len() < 200).then(|| {
                let operand = middle.trim_start_matches(['<', '>', '=', '!']).trim();
                format!("{left} {middle} and {operand} {right}")
            });
        let whole = self.place(value.to(second));
        self.diagnostics.push(errors::chained_comparison(self.place(second), whole, repair));
    }

    fn relation(&mut self, value: Expr, outer: Span, pair: Pair<'t, Rule>) -> Option<Expr> {
        let span = outer.to(self.span(&pair));
        let mut children = Children::of(pair);
        let sign = children.next()?;
        let value = Box::new(value);
        let compare = match sign.as_rule() {
            Rule::equals | Rule::double_equals => Some(Comparison::Equal),
            Rule::not_equal => Some(Comparison::NotEqual),
            Rule::less => Some(Comparison::Less),
            Rule::less_or_equal => Some(Comparison::LessOrEqual),
            Rule::greater => Some(Comparison::Greater),
            Rule::greater_or_equal => Some(Comparison::GreaterOrEqual),
            _ => None,
        };
        let kind = if let Some(compare) = compare {
            ExprKind::Compare(compare, value, Box::new(self.take_arithmetic(&mut children)?))
        } else if matches!(sign.as_rule(), Rule::kw_known | Rule::kw_unknown) {
            ExprKind::Known(value, sign.as_rule() == Rule::kw_known)
        } else {
            let negated = sign.as_rule() == Rule::kw_not;
            if negated {
                children.eat(Rule::kw_in);
            }
            let low = self.take_arithmetic(&mut children)?;
            match bound(&mut children) {
                Some(bound) => {
                    let high = self.take_arithmetic(&mut children)?;
                    ExprKind::InRange { value, negated, range: Box::new(Range { low, high, bound }) }
                }
                None => ExprKind::In { value, negated, set: Box::new(low) },
            }
        };
        Some(Expr { kind, span })
    }

    /// `low through high`
    pub(super) fn range(&mut self, pair: Pair<'t, Rule>) -> Option<Range> {
        let mut children = Children::of(pair);
        let low = self.take_expr(&mut children)?;
        let bound = bound(&mut children)?;
        let high = self.take_expr(&mut children)?;
        Some(Range { low, high, bound })
    }

    /// The next child, whose operands are ready.
    fn take_arithmetic(&mut self, children: &mut Children<'t>) -> Option<Expr> {
        children.take(Rule::arithmetic).and_then(|pair| self.arithmetic(pair))
    }

    fn arithmetic(&mut self, pair: Pair<'t, Rule>) -> Option<Expr> {
        let span = self.span(&pair);
        let mut children = Children::of(pair);
        let (operands, operators) = self.operators(&mut children);
        let value = self.sum(operands, operators)?;
        let Some(conversion) = children.take(Rule::conversion) else { return Some(value) };
        let mut children = Children::of(conversion);
        children.eat(Rule::kw_as);
        let target = self.take_name(&mut children)?;
        let rounded = children.take(Rule::rounded).and_then(|pair| self.rounded(pair));
        Some(Expr { kind: ExprKind::As(Box::new(value), target, rounded), span })
    }

    /// `rounded half_up`
    pub(super) fn rounded(&self, pair: Pair<'t, Rule>) -> Option<Name> {
        let mut children = Children::of(pair);
        children.eat(Rule::kw_rounded);
        self.take_name(&mut children)
    }

    /// The flat list of operands and operators.
    fn operators(&mut self, children: &mut Children<'t>) -> (Vec<Signed<'t>>, Vec<Rule>) {
        let mut operands = Vec::new();
        let mut operators = Vec::new();
        loop {
            let mut signs = Vec::new();
            while let Some(sign) = children.take(Rule::minus) {
                signs.push(self.span(&sign));
            }
            match children.rule() {
                None | Some(Rule::conversion) => break,
                Some(_) => {}
            }
            let Some(pair) = children.next() else { break };
            operands.push(Signed { signs, pair });
            match children.rule() {
                Some(
                    operator @ (Rule::plus
                    | Rule::minus
                    | Rule::star
                    | Rule::slash
                    | Rule::kw_mod
                    | Rule::kw_of),
                ) => {
                    children.next();
                    operators.push(operator);
                }
                _ => break,
            }
        }
        (operands, operators)
    }

    /// Precedence from loose to tight: `+ -`, `* / mod`, `of` (to the right), sign.
    fn sum(&mut self, operands: Vec<Signed<'t>>, operators: Vec<Rule>) -> Option<Expr> {
        self.unclear_steps(&operands, &operators);
        let mut operands = operands.into_iter();
        let mut operators = operators.into_iter().peekable();
        let first = self.product(&mut operands, &mut operators)?;
        let mut rest = Vec::new();
        while let Some(sign) = operators.next() {
            let sign = if sign == Rule::plus { Additive::Add } else { Additive::Subtract };
            rest.push((sign, self.product(&mut operands, &mut operators)?));
        }
        let Some(last) = rest.last() else { return Some(first) };
        let span = first.span.to(last.1.span);
        Some(Expr { kind: ExprKind::Sum(Box::new(first), rest), span })
    }

    fn product(
        &mut self,
        operands: &mut impl Iterator<Item = Signed<'t>>,
        operators: &mut std::iter::Peekable<impl Iterator<Item = Rule>>,
    ) -> Option<Expr> {
        let first = self.factor(operands, operators)?;
        let mut rest = Vec::new();
        while let Some(operator) =
            operators.next_if(|rule| matches!(rule, Rule::star | Rule::slash | Rule::kw_mod))
        {
            let operator = match operator {
                Rule::star => Multiplicative::Multiply,
                Rule::slash => Multiplicative::Divide,
                _ => Multiplicative::Modulo,
            };
            rest.push((operator, self.factor(operands, operators)?));
        }
        let Some(last) = rest.last() else { return Some(first) };
        let span = first.span.to(last.1.span);
        Some(Expr { kind: ExprKind::Product(Box::new(first), rest), span })
    }

    /// `5% of 10% of a` is five percent of the ten percent.
    fn factor(
        &mut self,
        operands: &mut impl Iterator<Item = Signed<'t>>,
        operators: &mut std::iter::Peekable<impl Iterator<Item = Rule>>,
    ) -> Option<Expr> {
        let mut chain = vec![self.signed(operands.next()?)?];
        while operators.next_if(|rule| *rule == Rule::kw_of).is_some() {
            chain.push(self.signed(operands.next()?)?);
        }
        let mut expr = chain.pop()?;
        while let Some(left) = chain.pop() {
            let span = left.span.to(expr.span);
            expr = Expr { kind: ExprKind::Of(Box::new(left), Box::new(expr)), span };
        }
        Some(expr)
    }

    fn signed(&mut self, signed: Signed<'t>) -> Option<Expr> {
        let operand = self.ready.next()?;
        Some(negated(&signed.signs, operand))
    }

    /// `steps of 100 RUB in a + b` has two readings.
    fn unclear_steps(&mut self, operands: &[Signed<'t>], operators: &[Rule]) {
        for (at, operand) in operands.iter().enumerate() {
            if operand.pair.as_rule() != Rule::steps || at >= operators.len() {
                continue;
            }
            let span = self.span(&operand.pair);
            let Some(last) = operands.last() else { return };
            let whole = Span { start: span.start, end: self.span(&last.pair).end };
            let value = operand.pair.clone().into_inner().last().map(|pair| self.span(&pair));
            let readings = value.filter(|_| whole.end - whole.start < 300).map(|value| {
                let rest = self.source(Span { start: span.end, end: whole.end });
                let head = self.source(Span { start: span.start, end: value.start });
                let inside = format!("{head}({}{rest})", self.source(value));
                let outside = format!("({}){rest}", self.source(span));
                (inside, outside)
            });
            let found = errors::unclear_steps(self.place(span), self.place(whole), readings);
            self.diagnostics.push(found);
            return;
        }
    }

    pub(super) fn operand(&mut self, pair: Pair<'t, Rule>) -> Option<Expr> {
        match pair.as_rule() {
            Rule::parenthesised => self.parenthesised(pair),
            Rule::list => self.list(pair),
            Rule::named => self.named(pair),
            Rule::steps => self.steps(pair),
            Rule::choice => self.choice(pair),
            _ => self.literal(pair),
        }
    }

    fn parenthesised(&mut self, pair: Pair<'t, Rule>) -> Option<Expr> {
        let mut children = Children::of(pair);
        children.eat(Rule::open_paren);
        self.take_expr(&mut children)
    }

    /// An operand that holds no other.
    fn literal(&self, pair: Pair<'t, Rule>) -> Option<Expr> {
        let span = self.span(&pair);
        let kind = match pair.as_rule() {
            Rule::string => ExprKind::Text(self.string(&pair)),
            Rule::date => ExprKind::Date(self.lexeme(&pair)),
            Rule::time => ExprKind::Time(self.lexeme(&pair)),
            Rule::instant => {
                let mut children = Children::of(pair);
                let date = children.take(Rule::date)?;
                let time = children.take(Rule::time)?;
                ExprKind::Instant(self.lexeme(&date), self.lexeme(&time))
            }
            Rule::number => ExprKind::Number(self.lexeme(&pair)),
            Rule::percent => ExprKind::Percent(self.take_number(&mut Children::of(pair))?),
            Rule::quantity => {
                let (number, unit) = self.quantity(pair)?;
                ExprKind::Quantity(number, unit)
            }
            Rule::boolean => ExprKind::Bool(Children::of(pair).rule() == Some(Rule::kw_true)),
            Rule::reference => {
                let (kind, texts) = self.reference(pair)?;
                ExprKind::Reference(kind, texts)
            }
            Rule::hole => ExprKind::Hole,
            _ => return None,
        };
        if self.is_mistaken(span) {
            return Some(self.error(span));
        }
        Some(Expr { kind, span })
    }

    fn list(&mut self, pair: Pair<'t, Rule>) -> Option<Expr> {
        let span = self.span(&pair);
        let mut children = Children::of(pair);
        let mut items = Vec::new();
        while let Some(child) = children.next() {
            if child.as_rule() == Rule::expression {
                items.push(self.expression(child)?);
            }
        }
        Some(Expr { kind: ExprKind::List(items), span })
    }

    /// `500 RUB`, `30 days`
    pub(super) fn quantity(&self, pair: Pair<'t, Rule>) -> Option<(crate::ast::Lexeme, Name)> {
        let mut children = Children::of(pair);
        let number = self.take_number(&mut children)?;
        let unit = children.take(Rule::unit)?;
        Some((number, self.name(&unit)))
    }

    pub(super) fn reference(&self, pair: Pair<'t, Rule>) -> Option<(Name, Vec<crate::ast::Text>)> {
        let mut children = Children::of(pair);
        let kind = children.take(Rule::kind_word)?;
        let kind = self.take_name(&mut Children::of(kind))?;
        let mut texts = Vec::new();
        while let Some(child) = children.next() {
            if child.as_rule() == Rule::string {
                texts.push(self.string(&child));
            }
        }
        Some((kind, texts))
    }

    fn steps(&mut self, pair: Pair<'t, Rule>) -> Option<Expr> {
        let span = self.span(&pair);
        let mut children = Children::of(pair);
        children.eat(Rule::kw_steps);
        children.eat(Rule::kw_of);
        let size = self.signed_operand(&mut children)?;
        children.eat(Rule::kw_in);
        let value = self.signed_operand(&mut children)?;
        Some(Expr { kind: ExprKind::Steps(Box::new(size), Box::new(value)), span })
    }

    fn signed_operand(&mut self, children: &mut Children<'t>) -> Option<Expr> {
        let mut signs = Vec::new();
        while let Some(sign) = children.take(Rule::minus) {
            signs.push(self.span(&sign));
        }
        let pair = children.next()?;
        let operand = self.operand(pair)?;
        Some(negated(&signs, operand))
    }

    fn choice(&mut self, pair: Pair<'t, Rule>) -> Option<Expr> {
        let span = self.span(&pair);
        let mut children = Children::of(pair);
        children.eat(Rule::kw_by);
        let subject = self.expression(children.take(Rule::subject)?)?;
        let arms = self.arms(&mut children)?;
        Some(Expr { kind: ExprKind::By(Box::new(subject), arms), span })
    }

    /// The arms between the braces that come next.
    pub(super) fn arms(&mut self, children: &mut Children<'t>) -> Option<Vec<Arm>> {
        children.eat(Rule::open_brace);
        let mut arms = Vec::new();
        while let Some(arm) = children.take(Rule::arm) {
            arms.push(self.arm(arm)?);
            children.eat(Rule::comma);
        }
        Some(arms)
    }

    fn arm(&mut self, pair: Pair<'t, Rule>) -> Option<Arm> {
        let mut children = Children::of(pair);
        let patterns = children.take(Rule::patterns)?;
        let start = self.span(&patterns);
        let mut inner = Children::of(patterns);
        let mut patterns = Vec::new();
        while let Some(child) = inner.next() {
            if child.as_rule() == Rule::pattern {
                patterns.push(self.pattern(child)?);
            }
        }
        children.eat(Rule::arrow);
        let value = children.take(Rule::expression)?;
        let span = start.to(self.span(&value));
        let value = self.expression(value)?;
        Some(Arm { patterns, value, span })
    }

    fn pattern(&mut self, pair: Pair<'t, Rule>) -> Option<Pattern> {
        let mut children = Children::of(pair);
        if children.eat(Rule::kw_from) {
            let from = self.take_expr(&mut children)?;
            let until =
                if children.eat(Rule::kw_until) { Some(self.take_expr(&mut children)?) } else { None };
            return Some(Pattern::Band { from, until });
        }
        if let Some(any) = children.take(Rule::wildcard) {
            return Some(Pattern::Any(self.span(&any)));
        }
        self.take_expr(&mut children).map(Pattern::Value)
    }

    /// A path, a call or an aggregate.
    fn named(&mut self, pair: Pair<'t, Rule>) -> Option<Expr> {
        let span = self.span(&pair);
        let mut children = Children::of(pair);
        let path = self.take_path(&mut children)?;
        let Some(arguments) = children.take(Rule::arguments) else {
            return Some(Expr { kind: ExprKind::Path(path), span });
        };
        let arguments = self.arguments(arguments)?;
        Some(self.call(path, arguments, span))
    }

    fn call(&mut self, path: Path, arguments: Arguments, span: Span) -> Expr {
        let function = match path.parts.as_slice() {
            [name] => aggregate(&name.text),
            _ => None,
        };
        let kind = match (function, arguments) {
            (Some(function), Arguments::Each(value, source)) => {
                ExprKind::Aggregate { function, value: Some(value), source }
            }
            (Some(function), Arguments::Elements(source)) => {
                ExprKind::Aggregate { function, value: None, source }
            }
            (Some(function), Arguments::Values(values)) => match single_path(values) {
                Ok(collection) => ExprKind::Aggregate {
                    function,
                    value: None,
                    source: Box::new(Source { span: collection.span, kind: plain(collection) }),
                },
                Err(values) => ExprKind::Call(path, values),
            },
            (None, Arguments::Values(values)) => ExprKind::Call(path, values),
            (None, Arguments::Each(..) | Arguments::Elements(_)) => {
                self.diagnostics
                    .push(errors::not_an_aggregate(self.place(path.span), self.source(path.span)));
                ExprKind::Error
            }
        };
        Expr { kind, span }
    }

    fn arguments(&mut self, pair: Pair<'t, Rule>) -> Option<Arguments> {
        let mut children = Children::of(pair);
        children.eat(Rule::open_paren);
        let mut values = Vec::new();
        while let Some(child) = children.next() {
            match child.as_rule() {
                Rule::expression => values.push(self.expression(child)?),
                Rule::comma | Rule::kw_for | Rule::close_paren => {}
                _ => return self.elements(values.pop(), child),
            }
        }
        Some(Arguments::Values(values))
    }

    /// A collection in parentheses, with the value before it.
    fn elements(&mut self, value: Option<Expr>, pair: Pair<'t, Rule>) -> Option<Arguments> {
        match (pair.as_rule(), value) {
            (Rule::source, Some(value)) => {
                let source = self.source_of(pair)?;
                Some(Arguments::Each(Box::new(value), source))
            }
            (Rule::source_tail, Some(value)) => self.source_with_tail(value, pair).map(Arguments::Elements),
            (Rule::pick, None) => self.pick(pair).map(Arguments::Elements),
            (_, None) => self.filter(pair).map(Arguments::Elements),
            (_, Some(_)) => None,
        }
    }

    /// `lines where …` where the grammar has read `lines` as an expression.
    pub(super) fn source_with_tail(&mut self, value: Expr, tail: Pair<'t, Rule>) -> Option<Box<Source>> {
        let span = value.span.to(self.span(&tail));
        let ExprKind::Path(collection) = value.kind else {
            self.diagnostics.push(errors::not_a_collection(self.place(value.span), self.source(value.span)));
            self.incomplete = true;
            return None;
        };
        let (window, condition) = self.source_options(&mut Children::of(tail))?;
        Some(Box::new(Source {
            kind: SourceKind::Filter { earlier: false, collection, window, condition },
            span,
        }))
    }

    /// The next child as a source.
    pub(super) fn take_source(&mut self, children: &mut Children<'t>) -> Option<Box<Source>> {
        children.take(Rule::source).and_then(|pair| self.source_of(pair))
    }

    pub(super) fn source_of(&mut self, pair: Pair<'t, Rule>) -> Option<Box<Source>> {
        let child = Children::of(pair).next()?;
        match child.as_rule() {
            Rule::pick => self.pick(child),
            _ => self.filter(child),
        }
    }

    /// `[earlier] path [within …] [where …]`
    pub(super) fn filter(&mut self, pair: Pair<'t, Rule>) -> Option<Box<Source>> {
        let span = self.span(&pair);
        let mut children = Children::of(pair);
        let earlier = children.eat(Rule::kw_earlier);
        let collection = self.take_path(&mut children)?;
        let (window, condition) = self.source_options(&mut children)?;
        Some(Box::new(Source { kind: SourceKind::Filter { earlier, collection, window, condition }, span }))
    }

    fn source_options(&mut self, children: &mut Children<'t>) -> Option<(Option<Window>, Option<Box<Expr>>)> {
        let window = match children.take(Rule::within) {
            Some(pair) => Some(self.within(pair)?),
            None => None,
        };
        let condition = match children.take(Rule::condition) {
            Some(pair) => {
                let mut inner = Children::of(pair);
                inner.eat(Rule::kw_where);
                Some(Box::new(self.take_expr(&mut inner)?))
            }
            None => None,
        };
        Some((window, condition))
    }

    pub(super) fn pick(&mut self, pair: Pair<'t, Rule>) -> Option<Box<Source>> {
        let span = self.span(&pair);
        let pick = Children::of(pair).next()?;
        match pick.as_rule() {
            Rule::extreme => self.extreme(Children::of(pick), span),
            _ => self.every_nth(Children::of(pick), span),
        }
    }

    /// `cheapest 1 in every 3 of units`
    fn extreme(&mut self, mut children: Children<'t>, span: Span) -> Option<Box<Source>> {
        let cheapest = children.next()?.as_rule() == Rule::kw_cheapest;
        let count = Box::new(self.count(&mut children)?);
        let every = if children.eat(Rule::kw_in) {
            children.eat(Rule::kw_every);
            Some(self.take_number(&mut children)?)
        } else {
            None
        };
        children.eat(Rule::kw_of);
        let of = self.filter(children.take(Rule::filter)?)?;
        Some(Box::new(Source { kind: SourceKind::Extreme { cheapest, count, every, of }, span }))
    }

    /// `every 3rd of units ordered by unit.price descending`
    fn every_nth(&mut self, mut children: Children<'t>, span: Span) -> Option<Box<Source>> {
        children.eat(Rule::kw_every);
        let ordinal = children.take(Rule::ordinal)?;
        let mut nth = self.lexeme(&ordinal);
        nth.text.retain(|character| character.is_ascii_digit());
        children.eat(Rule::kw_of);
        let of = self.filter(children.take(Rule::filter)?)?;
        let key = if children.eat(Rule::kw_ordered) {
            children.eat(Rule::kw_by);
            self.take_path(&mut children)?
        } else {
            self.diagnostics.push(errors::missing_order(self.place(span)));
            self.incomplete = true;
            Path { parts: vec![Name { text: String::new(), span }], span }
        };
        let descending = children.eat(Rule::kw_descending);
        Some(Box::new(Source { kind: SourceKind::EveryNth { nth, of, key, descending }, span }))
    }

    /// The number after `cheapest`.
    pub(super) fn count(&self, children: &mut Children<'t>) -> Option<Expr> {
        if let Some(number) = self.take_number(children) {
            let span = number.span;
            return Some(Expr { kind: ExprKind::Number(number), span });
        }
        let path = self.take_path(children)?;
        let span = path.span;
        Some(Expr { kind: ExprKind::Path(path), span })
    }

    /// `within last 30 days`
    pub(super) fn within(&mut self, pair: Pair<'t, Rule>) -> Option<Window> {
        let mut children = Children::of(pair);
        children.eat(Rule::kw_within);
        let mut children = Children::of(children.take(Rule::window)?);
        let word = children.next()?;
        let span = self.span(&word);
        match word.as_rule() {
            Rule::range => self.range(word).map(|range| Window::Range(Box::new(range))),
            Rule::kw_session => Some(Window::Session(span)),
            Rule::kw_program => Some(Window::Program(span)),
            Rule::kw_this => Some(Window::This(self.name(&children.take(Rule::period)?))),
            Rule::kw_previous => Some(Window::Previous(self.name(&children.take(Rule::period)?))),
            other => {
                let (length, unit) = self.quantity(children.take(Rule::duration)?)?;
                Some(if other == Rule::kw_last {
                    Window::Last(length, unit)
                } else {
                    Window::Any(length, unit)
                })
            }
        }
    }
}

/// `through`, `until`
pub(super) fn bound(children: &mut Children<'_>) -> Option<Bound> {
    if children.eat(Rule::kw_through) {
        return Some(Bound::Included);
    }
    children.eat(Rule::kw_until).then_some(Bound::Excluded)
}

fn negated(signs: &[Span], operand: Expr) -> Expr {
    signs.iter().rev().fold(operand, |operand, sign| Expr {
        span: sign.to(operand.span),
        kind: ExprKind::Negate(Box::new(operand)),
    })
}

/// What stands between one pair of brackets.
#[derive(Default)]
struct Survey<'t> {
    /// From left to right.
    operands: Vec<Pair<'t, Rule>>,
    /// How many `not` and `-` stand in a row at most, and how many `of` join operands to the right.
    prefixes: usize,
    run: usize,
    of: usize,
    has_logic: bool,
    has_relation: bool,
    has_conversion: bool,
    has_sum: bool,
    has_product: bool,
}

impl<'t> Survey<'t> {
    fn of(pair: &Pair<'t, Rule>) -> Survey<'t> {
        let mut survey = Survey::default();
        survey.add(pair.clone());
        survey
    }

    /// Goes down by the two levels at most that operators have in the grammar.
    fn add(&mut self, pair: Pair<'t, Rule>) {
        let mut of = 0;
        for child in pair.into_inner() {
            match child.as_rule() {
                Rule::arithmetic => self.add(child),
                Rule::relation => {
                    self.has_relation = true;
                    self.add(child);
                }
                Rule::kw_and | Rule::kw_or | Rule::double_ampersand | Rule::double_bar => {
                    self.has_logic = true;
                    self.run = 0;
                }
                Rule::kw_not => {
                    self.run += 1;
                    self.prefixes = self.prefixes.max(self.run);
                }
                Rule::minus => {
                    self.has_sum = true;
                    of = 0;
                    self.run += 1;
                    self.prefixes = self.prefixes.max(self.run);
                }
                Rule::plus => {
                    self.has_sum = true;
                    of = 0;
                }
                Rule::star | Rule::slash | Rule::kw_mod => {
                    self.has_product = true;
                    of = 0;
                }
                Rule::kw_of => {
                    of += 1;
                    self.of = self.of.max(of);
                }
                Rule::conversion => self.has_conversion = true,
                Rule::parenthesised
                | Rule::list
                | Rule::string
                | Rule::instant
                | Rule::date
                | Rule::time
                | Rule::percent
                | Rule::quantity
                | Rule::number
                | Rule::boolean
                | Rule::reference
                | Rule::named
                | Rule::hole
                | Rule::steps
                | Rule::choice => {
                    self.run = 0;
                    self.operands.push(child);
                }
                _ => {}
            }
        }
    }

    /// How many levels of the tree stand above the deepest operand, and the operand itself.
    fn height(&self) -> usize {
        1 + self.prefixes
            + self.of
            + usize::from(self.has_logic)
            + usize::from(self.has_relation)
            + usize::from(self.has_conversion)
            + usize::from(self.has_sum)
            + usize::from(self.has_product)
    }
}

fn aggregate(name: &str) -> Option<Aggregate> {
    Some(match name {
        "sum" => Aggregate::Sum,
        "avg" => Aggregate::Avg,
        "min" => Aggregate::Min,
        "max" => Aggregate::Max,
        "count" => Aggregate::Count,
        "any" => Aggregate::Any,
        "all" => Aggregate::All,
        "distinct" => Aggregate::Distinct,
        _ => return None,
    })
}

/// The path, if there is one value and it is a path.
fn single_path(mut values: Vec<Expr>) -> Result<Path, Vec<Expr>> {
    if values.len() == 1
        && matches!(values[0].kind, ExprKind::Path(_))
        && let Some(Expr { kind: ExprKind::Path(path), .. }) = values.pop()
    {
        return Ok(path);
    }
    Err(values)
}

fn plain(collection: Path) -> SourceKind {
    SourceKind::Filter { earlier: false, collection, window: None, condition: None }
}
