# The ROS 2 wheels of PyPI export targets that name include folders of the machine they were built
# on (/opt/python/cp311-cp311/...); CMake refuses to generate with an include folder that is not
# there. dvsnet_repair_wheel_targets() puts this interpreter's own folders in their place.
# Nothing changes where ROS 2 was installed in any other way.
#
# dvsnet_keep_private(TARGET) keeps TARGET's include folders out of its own export, which else has
# the same flaw, and which CMake refuses where the environment lies inside the source tree.

function(dvsnet_repair_wheel_targets)
  find_package(Python3 REQUIRED COMPONENTS Interpreter Development.Module NumPy)
  get_property(targets DIRECTORY PROPERTY IMPORTED_TARGETS)
  foreach(target IN LISTS targets)
    get_target_property(folders ${target} INTERFACE_INCLUDE_DIRECTORIES)
    if(NOT folders MATCHES "/opt/python/cp")
      continue()
    endif()
    set(repaired "")
    foreach(folder IN LISTS folders)
      if(folder MATCHES "^/opt/python/cp" AND NOT EXISTS "${folder}")
        if(folder MATCHES "/numpy/")
          set(folder ${Python3_NumPy_INCLUDE_DIRS})
        else()
          set(folder ${Python3_INCLUDE_DIRS})
        endif()
      endif()
      list(APPEND repaired ${folder})
    endforeach()
    set_target_properties(${target} PROPERTIES INTERFACE_INCLUDE_DIRECTORIES "${repaired}")
  endforeach()
endfunction()

function(dvsnet_keep_private target)
  get_target_property(folders ${target} INTERFACE_INCLUDE_DIRECTORIES)
  if(NOT folders)  # as where ROS 2 is no wheel
    return()
  endif()
  list(TRANSFORM folders REPLACE "^(/.*)$" "$<BUILD_INTERFACE:\\1>")
  set_target_properties(${target} PROPERTIES INTERFACE_INCLUDE_DIRECTORIES "${folders}")
endfunction()
