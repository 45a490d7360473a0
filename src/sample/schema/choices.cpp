// choices.cpp - where a branch goes on in several ways: alternatives, and what "not" means.
#include "sample/schema/compiler.h"

namespace inlay::schema {

using Kind = Document::Kind;

// A copy of the branch, changed and carried on.
template <class Change>
Status Compiler::fork(const Branch& b, Type type, BranchSink& sink, ValueId where, Change change) {
  if (sink.enough()) return Status::ok;
  if (b.depth >= max_choices) {
    return refuse(Status::limit, where, "over {} choices for one value", max_choices);
  }
  INLAY_TRY(step(4 + (b.facts.size() + b.pending.size()) / 4));
  Branch copy(allocator_);
  INLAY_TRY(copy.copy(b));
  ++copy.depth;
  INLAY_TRY(change(copy));
  if (copy.impossible || !is_possible(copy)) return Status::ok;
  return run_branch(copy, type, sink);
}

Status Compiler::choose(Branch& b, const Choice& c, Type type, BranchSink& sink) {
  const auto with = [&](Claim claim) {
    return fork(b, type, sink, c.value, [&](Branch& x) { return add_pending(x, claim, c.scope); });
  };
  switch (c.word) {
    case Word::enumeration:
      for (ValueId v = document_[c.value].first; v != no_value; v = document_[v].next) {
        INLAY_TRY(step());
        const Kind wanted = type == Type::object ? Kind::object : Kind::array;
        if (is(v, wanted)) INLAY_TRY(with(Claim::equal(v)));
      }
      return Status::ok;
    case Word::any_of: {
      if (unevaluated_ && document_[c.value].children > 1) {
        // Every one that holds evaluates: only where no two can hold is it enough to take one.
        for (ValueId v = document_[c.value].first; v != no_value; v = document_[v].next) {
          for (ValueId w = document_[v].next; w != no_value; w = document_[w].next) {
            bool is_apart = false;
            INLAY_TRY(apart(v, w, type, is_apart));
            if (is_apart) continue;
            return refuse(Status::unsupported, c.value,
                          "alternatives that may hold together, beside unevaluated...");
          }
        }
      }
      for (ValueId v = document_[c.value].first; v != no_value; v = document_[v].next) {
        INLAY_TRY(with(Claim::schema(v)));
      }
      return Status::ok;
    }
    case Word::one_of: return choose_one_of(b, c.value, c.scope, type, sink);
    case Word::condition: {
      const ValueId test = member(c.value, Word::condition);
      const ValueId then = member(c.value, Word::consequence);
      const ValueId otherwise = member(c.value, Word::alternative);
      {
        const Status forked = fork(b, type, sink, test, [&](Branch& x) {
          if (then != no_value) INLAY_TRY(add_pending(x, Claim::schema(then), c.scope));
          return add_pending(x, Claim::schema(test), c.scope);
        });
        INLAY_TRY(forked);
      }
      return fork(b, type, sink, test, [&](Branch& x) {
        if (otherwise != no_value) INLAY_TRY(add_pending(x, Claim::schema(otherwise), c.scope));
        return add_pending(x, Claim::schema(test, true), c.scope);
      });
    }
    case Word::dependent_required:
    case Word::dependent_schemas:
    case Word::dependencies: {
      Fact fact{Fact::Kind::absent};
      fact.key = document_.key(c.value);
      INLAY_TRY(fork(b, type, sink, c.value, [&](Branch& x) { return x.facts.push(fact); }));
      fact.kind = Fact::Kind::required;
      return fork(b, type, sink, c.value, [&](Branch& x) {
        INLAY_TRY(x.facts.push(fact));
        if (!is(c.value, Kind::array)) {
          if (is(c.value, Kind::string)) {  // draft 3
            fact.key = document_.text(c.value);
            return x.facts.push(fact);
          }
          return add_pending(x, Claim::schema(c.value), c.scope);
        }
        for (ValueId n = document_[c.value].first; n != no_value; n = document_[n].next) {
          INLAY_TRY(text_of(n, fact.key));
          INLAY_TRY(x.facts.push(fact));
        }
        return Status::ok;
      });
    }
    default: break;
  }
  return c.claim.equals() ? choose_not_equal(b, c.value, type, sink)
                          : choose_not_schema(b, c.value, no_scope, type, sink);
}

// No value of the type is valid against both, as far as can be told.
Status Compiler::apart(ValueId a, ValueId b, Type type, bool& apart) {
  const Claim claims[] = {Claim::schema(a), Claim::schema(b)};
  GoalId goal = 0;
  INLAY_TRY(intern_goal(claims, goal));
  return is_empty(goal, type, apart);
}

Status Compiler::choose_one_of(Branch& b, ValueId keyword, std::uint32_t scope, Type type,
                               BranchSink& sink) {
  for (ValueId v = document_[keyword].first; v != no_value; v = document_[v].next) {
    {
      const Status forked = fork(b, type, sink, keyword, [&](Branch& x) {
        INLAY_TRY(add_pending(x, Claim::schema(v), scope));
        for (ValueId w = document_[keyword].first; w != no_value; w = document_[w].next) {
          bool is_apart = v == w;
          if (!is_apart) INLAY_TRY(apart(v < w ? v : w, v < w ? w : v, type, is_apart));
          if (!is_apart) INLAY_TRY(add_pending(x, Claim::schema(w, true), scope));
        }
        return Status::ok;
      });
      INLAY_TRY(forked);
    }
  }
  return Status::ok;
}

// ---- Not ----------------------------------------------------------------------------------------

// A value fails a schema when it fails one of its keywords.
Status Compiler::choose_not_schema(Branch& b, ValueId schema, std::uint32_t scope, Type type,
                                   BranchSink& sink) {
  const ValueId ref = member(schema, Word::ref);
  for (ValueId m = document_[schema].first; m != no_value; m = document_[m].next) {
    if (words_[m] == Word::unknown || (old_draft_ && ref != no_value && m != ref)) continue;
    INLAY_TRY(step());
    INLAY_TRY(choose_not_keyword(b, words_[m], schema, m, scope, type, sink));
  }
  return Status::ok;
}

Status Compiler::choose_not_keyword(Branch& b, Word word, ValueId schema, ValueId keyword,
                                    std::uint32_t scope, Type type, BranchSink& sink) {
  const auto with = [&](Claim claim) {
    return fork(b, type, sink, keyword, [&](Branch& x) { return add_pending(x, claim, scope); });
  };
  ValueId target = no_value;
  switch (word) {
    case Word::type: {
      Types types = 0;
      bool integer = false;
      INLAY_TRY(keyword_types(keyword, types, integer));
      if (types & bit(type)) return Status::ok;
      return fork(b, type, sink, keyword, [](Branch&) { return Status::ok; });
    }
    case Word::constant: return with(Claim::equal(keyword, true));
    case Word::enumeration:
    case Word::any_of:
      INLAY_TRY(check_kind(keyword, Kind::array));
      return fork(b, type, sink, keyword, [&](Branch& x) {
        for (ValueId v = document_[keyword].first; v != no_value; v = document_[v].next) {
          INLAY_TRY(add_pending(
              x, word == Word::any_of ? Claim::schema(v, true) : Claim::equal(v, true), scope));
        }
        return Status::ok;
      });
    case Word::all_of:
      INLAY_TRY(check_kind(keyword, Kind::array));
      for (ValueId v = document_[keyword].first; v != no_value; v = document_[v].next) {
        INLAY_TRY(with(Claim::schema(v, true)));
      }
      return Status::ok;
    case Word::one_of:
      // None of them, or two.
      INLAY_TRY(choose_not_keyword(b, Word::any_of, schema, keyword, scope, type, sink));
      for (ValueId v = document_[keyword].first; v != no_value; v = document_[v].next) {
        for (ValueId w = document_[v].next; w != no_value; w = document_[w].next) {
          bool is_apart = false;
          INLAY_TRY(apart(v, w, type, is_apart));
          if (is_apart) continue;
          {
            const Status forked = fork(b, type, sink, keyword, [&](Branch& x) {
              INLAY_TRY(add_pending(x, Claim::schema(v), scope));
              return add_pending(x, Claim::schema(w), scope);
            });
            INLAY_TRY(forked);
          }
        }
      }
      return Status::ok;
    case Word::negation: return with(Claim::schema(keyword));
    case Word::ref:
    case Word::dynamic_ref:
    case Word::recursive_ref:
      INLAY_TRY(reference(keyword, word == Word::dynamic_ref, target));
      return with(Claim::schema(target, true));
    case Word::condition: {
      const ValueId then = member(schema, Word::consequence);
      const ValueId otherwise = member(schema, Word::alternative);
      if (then != no_value) {
        {
          const Status forked = fork(b, type, sink, keyword, [&](Branch& x) {
            INLAY_TRY(add_pending(x, Claim::schema(keyword), scope));
            return add_pending(x, Claim::schema(then, true), scope);
          });
          INLAY_TRY(forked);
        }
      }
      if (otherwise == no_value) return Status::ok;
      return fork(b, type, sink, keyword, [&](Branch& x) {
        INLAY_TRY(add_pending(x, Claim::schema(keyword, true), scope));
        return add_pending(x, Claim::schema(otherwise, true), scope);
      });
    }
    default: break;
  }
  return type == Type::object ? choose_not_object(b, word, schema, keyword, type, sink)
                              : choose_not_array(b, word, schema, keyword, type, sink);
}

Status Compiler::choose_not_object(Branch& b, Word word, ValueId schema, ValueId keyword, Type type,
                                   BranchSink& sink) {
  Fact fact{};
  fact.value = keyword;
  const auto with = [&](const Fact& f) {
    return fork(b, type, sink, keyword, [&](Branch& x) { return x.facts.push(f); });
  };
  // A member that is there and fails.
  const auto with_member = [&](std::string_view key, Claim claim) {
    return fork(b, type, sink, keyword, [&](Branch& x) {
      Fact f{Fact::Kind::required};
      f.key = key;
      INLAY_TRY(x.facts.push(f));
      f.kind = Fact::Kind::member;
      f.claim = claim;
      INLAY_TRY(x.facts.push(f));
      Array<Claim> claims(allocator_);
      bool allowed = true, empty = false;
      GoalId goal = 0;
      INLAY_TRY(key_claims(x, key, claims, allowed));
      INLAY_TRY(intern_goal(claims, goal));
      if (allowed) INLAY_TRY(is_empty(goal, empty));
      x.impossible = !allowed || empty;
      return Status::ok;
    });
  };
  switch (word) {
    case Word::required:
      if (!is(keyword, Kind::array)) return Status::ok;
      fact.kind = Fact::Kind::absent;
      for (ValueId c = document_[keyword].first; c != no_value; c = document_[c].next) {
        INLAY_TRY(text_of(c, fact.key));
        INLAY_TRY(with(fact));
      }
      return Status::ok;
    case Word::properties:
      INLAY_TRY(check_kind(keyword, Kind::object));
      for (ValueId c = document_[keyword].first; c != no_value; c = document_[c].next) {
        const Claim fails = Claim::schema(c, true);
        if (!is_false(fails)) INLAY_TRY(with_member(document_.key(c), fails));
      }
      return Status::ok;
    case Word::pattern_properties:
      INLAY_TRY(check_kind(keyword, Kind::object));
      fact.kind = Fact::Kind::some_member;
      fact.low = 1;  // the value is a pattern
      for (ValueId c = document_[keyword].first; c != no_value; c = document_[c].next) {
        fact.value = c;
        fact.claim = Claim::schema(c, true);
        if (!is_false(fact.claim)) INLAY_TRY(with(fact));
      }
      return Status::ok;
    case Word::additional_properties:
      fact.kind = Fact::Kind::some_member;
      fact.claim = Claim::schema(keyword, true);
      return is_false(fact.claim) ? Status::ok : with(fact);
    case Word::property_names:
      fact.kind = Fact::Kind::some_name;
      fact.claim = Claim::schema(keyword, true);
      return is_false(fact.claim) ? Status::ok : with(fact);
    case Word::min_properties:
    case Word::max_properties: {
      std::uint32_t bound = 0;
      INLAY_TRY(count_of(keyword, bound));
      fact.kind = Fact::Kind::count;
      if (word == Word::min_properties && bound == 0) return Status::ok;
      if (word == Word::min_properties) {
        fact.high = bound - 1;
      } else {
        fact.low = bound + 1;
      }
      return with(fact);
    }
    case Word::dependent_required:
    case Word::dependent_schemas:
    case Word::dependencies:
      INLAY_TRY(check_kind(keyword, Kind::object));
      for (ValueId c = document_[keyword].first; c != no_value; c = document_[c].next) {
        const auto fails = [&](std::string_view missing, Claim claim) {
          return fork(b, type, sink, keyword, [&](Branch& x) {
            Fact f{Fact::Kind::required};
            f.key = document_.key(c);
            INLAY_TRY(x.facts.push(f));
            if (!is(c, Kind::array)) return add_pending(x, claim, no_scope);
            f.kind = Fact::Kind::absent;
            f.key = missing;
            return x.facts.push(f);
          });
        };
        if (!is(c, Kind::array)) {
          INLAY_TRY(fails({}, Claim::schema(c, true)));
          continue;
        }
        for (ValueId n = document_[c].first; n != no_value; n = document_[n].next) {
          std::string_view missing;
          INLAY_TRY(text_of(n, missing));
          INLAY_TRY(fails(missing, {}));
        }
      }
      return Status::ok;
    case Word::unevaluated_properties:
      (void)schema;
      if (is(keyword, Kind::boolean) && document_[keyword].truth) return Status::ok;
      return refuse(Status::unsupported, keyword, "'not' around unevaluatedProperties");
    default: return Status::ok;
  }
}

Status Compiler::choose_not_array(Branch& b, Word word, ValueId schema, ValueId keyword, Type type,
                                  BranchSink& sink) {
  Fact fact{};
  fact.value = keyword;
  const auto with = [&](const Fact& f) {
    return fork(b, type, sink, keyword, [&](Branch& x) { return x.facts.push(f); });
  };
  const auto with_item = [&](std::uint32_t index, Claim claim) {
    return fork(b, type, sink, keyword, [&](Branch& x) {
      Fact f{Fact::Kind::count};
      f.low = index + 1;
      INLAY_TRY(x.facts.push(f));
      f = Fact{Fact::Kind::item};
      f.low = index;
      f.claim = claim;
      return x.facts.push(f);
    });
  };
  const auto with_list = [&](ValueId list) {
    std::uint32_t index = 0;
    for (ValueId c = document_[list].first; c != no_value; c = document_[c].next, ++index) {
      const Claim fails = Claim::schema(c, true);
      if (!is_false(fails)) INLAY_TRY(with_item(index, fails));
    }
    return Status::ok;
  };
  switch (word) {
    case Word::prefix_items: INLAY_TRY(check_kind(keyword, Kind::array)); return with_list(keyword);
    case Word::items:
    case Word::additional_items: {
      const ValueId items = member(schema, Word::items),
                    prefix = member(schema, Word::prefix_items);
      if (word == Word::items && is(keyword, Kind::array)) return with_list(keyword);
      if (word == Word::additional_items && !is(items, Kind::array)) return Status::ok;
      const ValueId before = word == Word::items ? prefix : items;
      fact.kind = Fact::Kind::some_item;
      fact.low = before == no_value ? 0 : document_[before].children;
      fact.claim = Claim::schema(keyword, true);
      return is_false(fact.claim) ? Status::ok : with(fact);
    }
    case Word::contains: {
      std::uint32_t low = 0, high = 0;
      INLAY_TRY(contains_counts(schema, low, high));
      fact.kind = Fact::Kind::contains;
      fact.claim = Claim::schema(keyword);
      if (low > 0) {
        fact.low = 0;
        fact.high = low - 1;
        INLAY_TRY(with(fact));
      }
      if (high == 0xffffffffu) return Status::ok;
      fact.low = high + 1;
      fact.high = 0xffffffffu;
      return with(fact);
    }
    case Word::min_items:
    case Word::max_items: {
      std::uint32_t bound = 0;
      INLAY_TRY(count_of(keyword, bound));
      fact.kind = Fact::Kind::count;
      if (word == Word::min_items && bound == 0) return Status::ok;
      if (word == Word::min_items) {
        fact.high = bound - 1;
      } else {
        fact.low = bound + 1;
      }
      return with(fact);
    }
    case Word::unique_items:
      INLAY_TRY(check_kind(keyword, Kind::boolean));
      if (!document_[keyword].truth) return Status::ok;
      return refuse(Status::unsupported, keyword, "'not' around uniqueItems");
    case Word::unevaluated_items:
      if (is(keyword, Kind::boolean) && document_[keyword].truth) return Status::ok;
      return refuse(Status::unsupported, keyword, "'not' around unevaluatedItems");
    default: return Status::ok;
  }
}

// Another array or object than this one.
Status Compiler::choose_not_equal(Branch& b, ValueId value, Type type, BranchSink& sink) {
  const Document::Value& v = document_[value];
  const auto with = [&](Fact f) {
    return fork(b, type, sink, value, [&](Branch& x) { return x.facts.push(f); });
  };
  if (v.kind != (type == Type::object ? Kind::object : Kind::array)) {
    return fork(b, type, sink, value, [](Branch&) { return Status::ok; });
  }
  Fact count{Fact::Kind::count};
  if (v.children > 0) {
    count.high = v.children - 1;
    INLAY_TRY(with(count));
  }
  count.high = 0xffffffffu;
  count.low = v.children + 1;
  INLAY_TRY(with(count));
  std::uint32_t index = 0;
  for (ValueId c = v.first; c != no_value; c = document_[c].next, ++index) {
    {
      const Status forked = fork(b, type, sink, value, [&](Branch& x) {
        Fact f{};
        f.kind = type == Type::object ? Fact::Kind::required : Fact::Kind::count;
        f.low = index + 1;
        f.key = document_.key(c);
        INLAY_TRY(x.facts.push(f));
        f.kind = type == Type::object ? Fact::Kind::member : Fact::Kind::item;
        f.low = index;
        f.claim = Claim::equal(c, true);
        return x.facts.push(f);
      });
      INLAY_TRY(forked);
    }
    // With as many members, another one takes the place of one that is missing.
    if (type != Type::object) continue;
    Fact absent{Fact::Kind::absent};
    absent.key = document_.key(c);
    INLAY_TRY(with(absent));
  }
  return Status::ok;
}

}  // namespace inlay::schema
