// SPDX-License-Identifier: BSD-3-Clause
// Scenes: what happens in a process of its own, whose limits and signals can be changed.
#pragma once

#include <support/child_process.hpp>

#include <cstdio>
#include <cstdlib>
#include <functional>
#include <map>
#include <string>

namespace ndsharray::test {

/// \returns what the test expects it to say.
using Scene = std::string (*)(const std::string& tag);
using Scenes = std::map<std::string, Scene, std::less<>>;

/// Those of this program.
inline Scenes& all_scenes() {
    static Scenes scenes;
    return scenes;
}

/// Adds the scenes of a file: `const RegisteredScenes fork_scenes({{"name", function}});` at namespace scope.
class RegisteredScenes {
  public:
    explicit RegisteredScenes(Scenes scenes) {
        all_scenes().merge(scenes);
        if (!scenes.empty()) {
            std::fprintf(stderr, "two scenes are called %s\n", scenes.begin()->first.c_str());
            std::abort();
        }
    }
};

inline int play_scene(Channel& channel, const Arguments& arguments) {
    channel.send(all_scenes().at(arguments.at(1))(arguments.at(0)));
    return 0;
}
inline const RegisteredRole play_scene_role("play_scene", play_scene);

/// What a scene said, "nothing" where its process could not, and how the process ended.
struct Outcome {
    std::string said;
    int exit_code = 0;
};

inline Outcome outcome_of(const std::string& scene, const std::string& tag) {
    ChildProcess process("play_scene", {tag, scene});
    Outcome outcome{process.channel().receive().value_or("nothing")};
    outcome.exit_code = process.wait_for_exit();
    return outcome;
}

}  // namespace ndsharray::test
