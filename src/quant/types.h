// types.h - the headers of all types in types.inc, for tables that are made from that list.
//
// Each type is a struct of its name with Block, elements, activation, dequantize() and encode() of
// a row, and Lanes<V>; quantized ones also have unpack() to the normal form.
#pragma once

#include "quant/bf16.h"
#include "quant/f16.h"
#include "quant/f32.h"
#include "quant/q4_0.h"
#include "quant/q4_k.h"
#include "quant/q6_k.h"
#include "quant/q8_0.h"
