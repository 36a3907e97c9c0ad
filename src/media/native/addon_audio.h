// Owns the door between JavaScript and what the relay does with audio: conversion, clips, keys, recordings, copies.
#pragma once

#include <node_api.h>

#include <memory>

#include "transcoder.h"

namespace media {

/// The conversion of a stream's settings, as audio-settings.ts wrote it; nullptr: none.
std::unique_ptr<Conversion> read_conversion(napi_env env, napi_value settings);

/// Adds the functions to the addon's exports.
void define_audio(napi_env env, napi_value exports);

}  // namespace media
