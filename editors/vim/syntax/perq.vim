" Rules of perq: colours without a language server.
if exists("b:current_syntax")
  finish
endif

syntax match perqName "\<[[:alpha:]_]\k*\>"
syntax keyword perqKeyword about above accepted account added after all also always amount and any any_offer
syntax keyword perqKeyword arbitration as as_asked ascending at at_once available award awarded awards badge balance
syntax keyword perqKeyword basket besides best better broken budget bundle by by_default cancel capacity cash certificate
syntax keyword perqKeyword chain channels cheapest chooses codes confirm contacts counter coupon currency cut day
syntax keyword perqKeyword days dearest debit decimals define descending discount displace displaced display
syntax keyword perqKeyword downgrade each earlier effective else end ensure enum error event every except exclude excludes
syntax keyword perqKeyword expect expire expires explore extend fails false fires first for from gain gets gift given
syntax keyword perqKeyword gives goals group half_life half_year hashed hidden hierarchical hours if_short ignored in in_batch include
syntax keyword perqKeyword issue keep kept kind known language last later learn least let level limit limited line list maximise
syntax keyword perqKeyword measure melt member members merging message mod month month_days month_end most multiply net never
syntax keyword perqKeyword no none not not_below nothing of of_same offer offers on on_price one_level only or order
syntax keyword perqKeyword ordered otherwise param pay per plus previous price priority process product program
syntax keyword perqKeyword proportional purpose qualifying quarter rate reason record redeemable redemption reference
syntax keyword perqKeyword refused rejected rejects remaining rest retailer return returning review round rounded rounding rule
syntax keyword perqKeyword say scale schedule score seed segment session set sha shared shortfall show shown silent
syntax keyword perqKeyword skip sku slots spendable spent_at_once splitting spread step steps stock table take tax template
syntax keyword perqKeyword test than then this through tier tiers ties times title to to_measure total true unique
syntax keyword perqKeyword unit unknown unless until up upgrade use uses valid version via was week week_starts when
syntax keyword perqKeyword where with withdraw within worth year zone

" After a dot every word is a plain name.
syntax match perqField "\.\s*\zs\<[[:alpha:]_]\k*\>"
syntax match perqFunction "\<\(sum\|avg\|min\|max\|count\|any\|all\|distinct\)\ze("
syntax match perqNumber "\<\d\+\(_\d\+\)*\(\.\d\+\|st\|nd\|rd\|th\)\?\(\s*%\)\?"
syntax match perqDate "\<\d\{4}-\d\d-\d\d\>"
syntax match perqDate "\<\d\d:\d\d\(:\d\d\)\?\>"
syntax match perqOperator "=>\|!=\|<=\|>=\|[-=<>+*/?]"
syntax match perqEscape contained "\\\(u{\x\+}\|.\)"
syntax region perqString start=+"+ skip=+\\.+ end=+"\|$+ contains=perqEscape oneline
syntax match perqComment "#.*$" contains=@Spell
syntax match perqDocumentation "##\(#\)\@!.*$" contains=@Spell

highlight default link perqKeyword Keyword
highlight default link perqField Identifier
highlight default link perqFunction Function
highlight default link perqNumber Number
highlight default link perqDate Constant
highlight default link perqOperator Operator
highlight default link perqString String
highlight default link perqEscape SpecialChar
highlight default link perqComment Comment
highlight default link perqDocumentation SpecialComment

let b:current_syntax = "perq"
